/* The frame of every page: plain HTML, no script, one style element whose hash the CSP names.
 * All that comes from a request goes through html_write. */
#include "codec/base64.h"
#include "pages.h"
#include "rules.h"

#define STYLE                                                                             \
	"*{box-sizing:border-box}"                                                        \
	"html{color-scheme:light dark;--bg:#eef1f5;--card:#fff;--ink:#16202c;"            \
	"--soft:#566274;--line:#c3cbd6;--edge:#7d8898;--key:#1d5fa8;--key2:#174d89;"      \
	"--onkey:#fff;--bad:#a3211b;--badbg:#fdeceb}"                                     \
	"@media(prefers-color-scheme:dark){html{--bg:#10161d;--card:#1a222c;"             \
	"--ink:#e8edf3;--soft:#9aa7b8;--line:#3b4757;--edge:#7b889a;--key:#5b9be0;"       \
	"--key2:#7db2ec;--onkey:#08121d;--bad:#ff9d97;--badbg:#3a1e1d}}"                  \
	"body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;"  \
	"background:var(--bg);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"    \
	"'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"                                     \
	"main{width:100%;max-width:26rem;background:var(--card);"                         \
	"border:1px solid var(--line);border-radius:14px;padding:2rem;"                   \
	"box-shadow:0 8px 30px rgba(10,25,45,.08);overflow-wrap:anywhere}"                \
	"main.wide{max-width:44rem}"                                                      \
	".realm{display:inline-block;margin:0 0 1rem;padding:.15rem .7rem;"               \
	"border-radius:99px;border:1px solid var(--line);color:var(--soft);"              \
	"font-size:.85rem}"                                                               \
	".realm b{font-weight:600}"                                                       \
	"h1{margin:0;font-size:1.5rem;line-height:1.25}"                                  \
	"h2{margin:2rem 0 .6rem;font-size:1.1rem;line-height:1.3}"                        \
	"p{margin:.4rem 0 0;color:var(--soft)}"                                           \
	"p b{color:var(--ink)}"                                                           \
	"a{color:var(--key)}"                                                             \
	"ul{margin:.8rem 0;padding:0 0 0 1.2rem}"                                         \
	"li{margin:.25rem 0}"                                                             \
	"hr{margin:1.5rem 0 1rem;border:0;border-top:1px solid var(--line)}"              \
	".list{padding:0;margin:0;list-style:none;border:1px solid var(--line);"          \
	"border-radius:10px}"                                                             \
	".list>li{display:flex;flex-wrap:wrap;gap:.6rem 1rem;"                            \
	"justify-content:space-between;align-items:center;margin:0;padding:.9rem 1rem}"   \
	".list>li+li{border-top:1px solid var(--line)}"                                   \
	".list>li>div{flex:1 1 16rem}"                                                    \
	".list p,.list ul{font-size:.9rem}"                                               \
	".list ul{margin:.3rem 0;color:var(--soft)}"                                      \
	".mark{padding:.05rem .5rem;border-radius:99px;border:1px solid var(--edge);"     \
	"font-size:.8rem;white-space:nowrap}"                                             \
	"label{display:block;margin:1.1rem 0 .3rem;font-weight:600;font-size:.95rem}"     \
	"input{width:100%;padding:.65rem .75rem;font:inherit;color:inherit;"              \
	"background:var(--card);border:1px solid var(--edge);border-radius:8px}"          \
	"input:focus-visible,button:focus-visible,a:focus-visible{"                       \
	"outline:3px solid var(--key);outline-offset:2px}"                                \
	"button{width:100%;margin-top:1.5rem;padding:.7rem;font:inherit;font-weight:600;" \
	"color:var(--onkey);background:var(--key);border:1px solid var(--key);"           \
	"border-radius:8px;cursor:pointer;overflow-wrap:anywhere}"                        \
	"button:hover{background:var(--key2);border-color:var(--key2)}"                   \
	"button.second,button.small{margin-top:.7rem;color:var(--key);background:none;"   \
	"border-color:var(--edge)}"                                                       \
	"button.small{width:auto;margin:0;padding:.4rem .8rem;font-size:.9rem}"           \
	"main.wide>form>button.small,section>form>button.small{margin-top:.9rem}"         \
	"button.second:hover,button.small:hover{color:var(--key2);"                       \
	"border-color:var(--key2);background:none}"                                       \
	".bad{margin:1.1rem 0 0;padding:.6rem .8rem;border-radius:8px;color:var(--bad);"  \
	"background:var(--badbg);border:1px solid currentColor;font-size:.95rem}"         \
	".bad p{color:inherit;font-size:.85rem}"                                          \
	".note{margin-top:1.4rem;font-size:.85rem}"                                       \
	"@media(max-width:30rem){body{padding:.75rem}main{padding:1.25rem}}"

str page_style_hash(void)
{
	static char text[64];
	static size_t n;
	if (n == 0) {
		uint8_t hash[SHA256_SIZE];
		struct wr w = wr_of(text, sizeof(text));
		sha256(bytes_of_str(LIT(STYLE)), hash);
		wr_lit(&w, "'sha256-");
		base64_write(&w, BYTES_OF(hash));
		wr_char(&w, '\'');
		n = w.n;
	}
	return (str){ text, n };
}

void page_begin(struct wr *w, const struct page *p)
{
	wr_lit(w, "<!doctype html>\n<html lang=\"");
	wr_str(w, lang_tag(p->lang));
	wr_lit(w, "\">\n<head>\n<meta charset=\"utf-8\">\n"
		  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		  "<title>");
	text_put(w, p->lang, p->title);
	wr_lit(w, "</title>\n<style>" STYLE "</style>\n</head>\n<body>\n");
	wr_str(w, p->wide ? LIT("<main class=\"wide\">\n") : LIT("<main>\n"));
	if (p->realm.n > 0) {
		wr_lit(w, "<div class=\"realm\">");
		text_put_value(w, p->lang, TEXT_REALM, p->realm);
		wr_lit(w, "</div>\n");
	}
	wr_lit(w, "<h1>");
	text_put(w, p->lang, p->title);
	wr_lit(w, "</h1>\n");
}

void page_end(struct wr *w)
{
	wr_lit(w, "</main>\n</body>\n</html>\n");
}

static void hidden(struct wr *w, str name, str value)
{
	if (!value.p)
		return;
	wr_lit(w, "<input type=\"hidden\" name=\"");
	html_write(w, name);
	wr_lit(w, "\" value=\"");
	html_write(w, value);
	wr_lit(w, "\">\n");
}

void page_form(struct wr *w, str action, const struct form_field *fields, size_t n, str csrf)
{
	wr_lit(w, "<form method=\"post\" action=\"");
	html_write(w, action);
	wr_lit(w, "\">\n");
	for (size_t i = 0; i < n; i++)
		hidden(w, fields[i].name, fields[i].value);
	hidden(w, LIT("csrf"), csrf);
}

void page_message(struct wr *w, enum lang lang, enum text_id message, str value)
{
	if (message == TEXT_COUNT)
		return;
	wr_lit(w, "<div class=\"bad\" id=\"message\" role=\"alert\">");
	if (str_has(text_of(lang, message), '{'))
		text_put_value(w, lang, message, value);
	else
		text_put(w, lang, message);
	wr_lit(w, "</div>\n");
}
