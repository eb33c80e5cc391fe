/** Where mutation starts: messages that must pass, and some that must not, each with a reason to be there. */

export const REQUESTS: readonly string[] = [
  "GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
  "\r\nGET /a/b?c=d HTTP/1.1\r\nHost: shop.default.svc.cluster.local:8080\r\nAccept: */*\r\n\r\n",
  "POST /x HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\nX-Request-Id: 1\r\n\r\nhello",
  "POST /x HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "POST /x HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
  "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
  "GET http://shop:80/a?b HTTP/1.1\r\nHost: other\r\n\r\n",
  "OPTIONS http://shop HTTP/1.1\r\nHost: shop\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n",
  "CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n",
  "GET / HTTP/1.0\r\n\r\n",
  "GET / HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\n\r\n",
  "GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade, X-Gone\r\nUpgrade: websocket\r\nX-Gone: 1\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: close, x-forwarded-for, authorization\r\nAuthorization: x\r\nX-Forwarded-For: 1\r\n\r\n",
  "GET / HTTP/1.1\r\nhost:shop\r\nA:\r\nB: \t x \t\r\nC: \xe9\xff\r\n!#$%&'*+-.^_`|~: 1\r\n\r\n",
  "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 30\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

export const RESPONSES: readonly string[] = [
  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
  "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
  "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\nETag: "a"\r\n\r\n',
  "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nUpgrade: h2,h2c\r\nConnection: Upgrade\r\n\r\n",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
  "HTTP/1.1 200 \xe9\xff\r\nX-Weft-Error: UH; forged\r\nKeep-Alive: timeout=5\r\nConnection: X-Gone\r\nX-Gone: 1\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
];

export const CHUNKED: readonly string[] = [
  "5\r\nhello\r\n0\r\n\r\n",
  "a;x=y\r\n0123456789\r\nB\r\nhello world\r\n0;z\r\n\r\n",
  "0\r\n\r\n",
  "1\r\n\r\r\n2\r\n\r\n\r\n0\r\nX-A: 1\r\nHost: evil\r\nX-B: 2\r\nContent-Length: 5\r\n\r\n",
  "0000000000005\r\nhello\r\n000\r\nTrailer: x\r\nX-Forwarded-For: 1\r\nOk: \t yes \t\r\n\r\nGET / HTTP/1.1\r\n",
];
