/**
 * The report's looks: system fonts, one column, light and dark by the reader's setting. Series colours are the
 * colour-blind-safe pair blue and orange plus violet, with a lighter set for dark ground.
 */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--bg:#f7f8fa;--card:#fff;--text:#16181d;--soft:#626a78;--line:#e3e6eb;--s1:#1f6fd6;--s2:#d9730d;--s3:#8a5cc9;--good:#1a7f4b;--bad:#c7362f;--warn:#fff4dc;--warntext:#6b4a00}
@media(prefers-color-scheme:dark){:root{--bg:#111318;--card:#191c23;--text:#e9ebef;--soft:#9aa2b1;--line:#2b303a;--s1:#6aa8ff;--s2:#f5a04c;--s3:#b99af0;--good:#4cc38a;--bad:#ff6f66;--warn:#33290f;--warntext:#f3d58a}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{max-width:1040px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:22px;line-height:1.3;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:15px;margin:0}
.sub{color:var(--soft);margin:0 0 24px}
.tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:12px;margin:0 0 16px}
@media(max-width:820px){.tiles{grid-template-columns:repeat(3,1fr)}}
@media(max-width:460px){.tiles{grid-template-columns:repeat(2,1fr)}}
.tile,section{background:var(--card);border:1px solid var(--line);border-radius:10px}
.tile{padding:12px 14px}
.tile b{display:block;font-size:21px;line-height:1.3;font-weight:600;font-variant-numeric:tabular-nums;white-space:nowrap}
.tile span{color:var(--soft);font-size:13px}
section{padding:16px 18px;margin:0 0 16px}
.head{display:flex;flex-wrap:wrap;gap:4px 18px;align-items:baseline;margin:0 0 8px}
.head p{margin:0;color:var(--soft);font-size:13px;flex:1}
.key{font-size:13px;color:var(--soft);white-space:nowrap}
.key::before{content:"";display:inline-block;width:14px;height:3px;border-radius:2px;margin-right:6px;vertical-align:middle;background:currentColor}
.key.s1::before{background:var(--s1)}.key.s2::before{background:var(--s2)}.key.s3::before{background:var(--s3)}.key.bad::before{background:var(--bad)}
svg{display:block;width:100%;height:auto;overflow:visible}
.grid{stroke:var(--line);fill:none}.axis,.mark{stroke:var(--soft);fill:none}
.tick{fill:var(--soft);font-size:11.5px;font-variant-numeric:tabular-nums}
.s1{--c:var(--s1)}.s2{--c:var(--s2)}.s3{--c:var(--s3)}.bad{--c:var(--bad)}
.line{stroke:var(--c);stroke-width:2;stroke-linejoin:round;stroke-linecap:round;fill:none}
.area{fill:var(--c);opacity:.14}
.hit{fill:transparent}.hit:hover{fill:var(--c)}
.two{display:grid;grid-template-columns:1fr 1fr;gap:16px}
@media(max-width:820px){.two{grid-template-columns:1fr}}
.two section{margin:0}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:5px 0 5px 12px;border-top:1px solid var(--line);overflow-wrap:anywhere}
tr:first-child>*{border-top:0}
th{font-weight:500;color:var(--soft);font-size:13px}
th:first-child,td:first-child{text-align:left;padding-left:0}
.note{background:var(--warn);color:var(--warntext);border-radius:10px;padding:10px 16px;margin:0 0 16px}
.met{color:var(--good)}.notmet{color:var(--bad);font-weight:600}
footer{color:var(--soft);font-size:13px;margin-top:24px}
`;
