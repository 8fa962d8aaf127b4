/* The table of fragments, beside that of patterns. Whoever adds a pattern adds what none of its
 * matches lacks: rare, and as long as it may be; a test draws matches of each pattern and looks
 * whether they have one. Read while this is built, and by tests; at run time there is only what
 * text_gate_make.c made of it. */
#include "text_fragments.h"

#include <stdlib.h>

/* As patterns are written, of characters and sets alone; a leading ^ ignores case, \\< is what
 * stands before a prefix that is short (BEHIND in text_table.c), \\> what may stand behind a name,
 * before = or : or in their place. */
static const char *const fragments[] = {
	/* private keys and public halves */
	"--BEGIN ",
	"B\\x00E\\x00G\\x00",
	"AgE[AB]MB[AM]",
	"CAQ[AE]wE[Aw]",
	"CAQ[AE]wBQY",
	"IBADA[LN]B",
	"CAQEE[HIMQ]",
	"AgEBB[DE]",
	"IBAAK[BC]",
	"AgMBAAEC",
	"IDAQABAo",
	"CAwEAAQK",
	"oUQDQgAE",
	"[Kaq6]FEA0IAB",
	"hRANCAA[Q-T]",
	"oWQDYgAE",
	"[Kaq6]FkA2IAB",
	"hZANiAA[Q-T]",
	"oYGJA4GG",
	"[Kaq6]GBiQOB",
	"hgYkDgYY",
	"ATE KEY-",
	"e-Lines:",
	"ssh-key-",
	"[\\x07\\x0b\\x13]ssh-[re]",
	"[\\x07\\x0b\\x13]ecdsa-",
	"\\x02\\x01[\\x00\\x01]\\x30[\\x05-\\x20]\\x06",
	"\\x02\\x01\\x00\\x02[\\x81\\x82]",
	"\\x02\\x03\\x01\\x00\\x01\\x02[\\x81\\x82]",
	"\\x02\\x01\\x01\\x04[\\x1c\\x20\\x30\\x42]",
	"AGE-SECR",
	"([dpqux] #",
	"(1:[dpqux][0-9][0-9]",
	"\\x03\\x01\\x01\\x00[dpqux]\\x01",
	"\\x86\\x48\\x86\\xf7\\x0d\\x01\\x01\\x01",
	"\\x06\\x03\\x2b\\x65[\\x6e\\x70]\\x03",
	"\\x03[\\x42\\x62]\\x00\\x04",
	"\\x03\\x81\\x86\\x00\\x04",
	"AAAB3Nz",
	"AAAC3Nz",
	"AAAE2Vj",
	/* JOSE */
	"\"[dpqkrtnx][\"\\\\][: \"]",
	"\"d[pq][\"\\\\][: \"]",
	"\"qi[\"\\\\][: \"]",
	"eyJ[h-z0-6]",
	"eyAi",
	"ewo[gJi]",
	"ew0K",
	"e\\x00y\\x00J\\x00",
	"v[1-4]\\.[lp][ou]",
	/* HTTP */
	"^bearer ",
	"^dpop ",
	"^gnap ",
	"^splunk ",
	"^bot ",
	"^basic ",
	"^sponse=",
	"^thorizat",
	"^cookie[\"':]",
	"://",
	"^[?&]code=",
	"^rifier=",
	"^ertion=",
	"^nature=",
	"^[?&]sig=",
	/* cloud and forge tokens */
	"A[KS]IA[A-Z0-9][A-Z0-9][A-Z0-9]",
	"AIza",
	"ya29\\.",
	"GOCSPX-",
	"gh[pousr]_",
	"hub_pat_",
	"glpat-",
	"glptt-",
	"glcbt-",
	"gl[drf]t-",
	"gloas-",
	"glsoat-",
	"xox[abeoprs]-",
	"xapp-[0-9]-",
	"ks\\.slack",
	"[sr]k_live",
	"[sr]k_test",
	"whsec_",
	"npm_",
	"pypi-AgE",
	"\\<SG\\.",
	"\\<rt\\.",
	"^twilio",
	":AA[E-H]",
	"^discord",
	"hv[bsr]\\.",
	"sk-proj-",
	"sk-ant-",
	"sk-or-",
	"sk-svcac",
	"T3BlbkFJ",
	"dop_v1_",
	"shpat_",
	"shpss_",
	"shpca_",
	"rubygems",
	"dckr_pat",
	"lin_api_",
	"atlasv1\\.",
	"glsa_",
	"\\<hf_",
	/* TLS */
	"T_RANDOM",
	"SECRET[ _]",
	/* hashes of passwords */
	"\\$2[abxy]\\$",
	"\\$argon2",
	"\\$gy\\$",
	"\\$scrypt",
	"\\<\\$[56y]\\$",
	"{SHA",
	"{SSHA",
	"{CRYPT",
	"{PBKDF2",
	"SCRAM-SH",
	"pbkdf2_s",
	/* passwords, keys and tokens by name */
	"^assword\\>",
	"^passwd\\>",
	"^sphrase\\>",
	"^sscode\\>",
	"^[^l]pwd\\>",
	"^secret\\>",
	"^p\\x00a\\x00s\\x00s\\x00",
	"^p\\x00w\\x00d\\x00",
	"^s\\x00e\\x00c\\x00r\\x00",
	"^[_istegnrd-]key\\>",
	"^[t_]key[_b]",
	"^token",
	"^nection[_s]",
	"^equirepa",
	"^terauth",
	"^ile-pass",
	"^uth-pass",
	"^bindpw",
	"^rootpw",
	"^psk[=\":]",
	"{PLAIN}",
	"{CLEAR",
	"^\\$4\\r\\nauth",
	"[\\n\\x00]AUTH ",
	"[\\n\\x00]auth ",
	"[\\n\\x00]PASS ",
	"^auth pla",
	"^auth log",
	"^cate pla",
	"^cate log",
	"^ login ",
	"^entified",
};
_Static_assert(COUNT_OF(fragments) <= FRAGMENTS_MAX, "there is room for all");

size_t fragments_count(void)
{
	return COUNT_OF(fragments);
}

bool fragment_has(const struct fragment *f, size_t at, uint8_t c)
{
	return f->sets[at][c / 8] >> c % 8 & 1;
}

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c < 'a' || c > 'f')
		abort();
	return (unsigned)(c - 'a' + 10);
}

/* One character, which may be written with a backslash. */
static uint8_t character(const char **s)
{
	char c = *(*s)++;
	if (c != '\\')
		return (uint8_t)c;
	c = *(*s)++;
	if (c == 'r' || c == 'n')
		return c == 'r' ? '\r' : '\n';
	if (c != 'x')
		return (uint8_t)c;
	unsigned high = digit((*s)[0]), low = digit((*s)[1]);
	*s += 2;
	return (uint8_t)(high << 4 | low);
}

static void add(uint8_t *set, unsigned from, unsigned to)
{
	for (; from <= to; from++)
		set[from / 8] |= (uint8_t)(1u << from % 8);
}

/* Behind its bracket. */
static void read_set(const char **s, uint8_t *set)
{
	bool but = **s == '^';
	*s += but;
	while (**s != ']') {
		uint8_t from = character(s), to = from;
		if ((*s)[0] == '-' && (*s)[1] != ']') {
			(*s)++;
			to = character(s);
		}
		add(set, from, to);
	}
	(*s)++;
	for (size_t i = 0; but && i < 256 / 8; i++)
		set[i] = (uint8_t)~set[i];
}

static void ignore_case(uint8_t *set)
{
	for (unsigned c = 'a'; c <= 'z'; c++) {
		unsigned capital = c - 'a' + 'A';
		if (set[c / 8] >> c % 8 & 1)
			add(set, capital, capital);
		else if (set[capital / 8] >> capital % 8 & 1)
			add(set, c, c);
	}
}

/* The set at *s, of one byte or more, and *s behind it. */
static void read_one(const char **s, uint8_t *set)
{
	const char *front = "\"' =:\\x00]", *next = "\\x09-\\x0d \"'\\\\=:>]";
	if (**s == '[') {
		(*s)++;
		read_set(s, set);
	} else if (**s == '\\' && ((*s)[1] == '<' || (*s)[1] == '>')) {
		read_set((*s)[1] == '<' ? &front : &next, set);
		*s += 2;
	} else {
		uint8_t c = character(s);
		add(set, c, c);
	}
}

void fragment_at(size_t i, struct fragment *ret_f)
{
	const char *s = fragments[i];
	bool any_case = *s == '^';
	s += any_case;
	*ret_f = (struct fragment){ 0 };
	for (size_t n = 0; *s; n++) {
		if (n == FRAGMENT_MAX)
			abort();
		uint8_t *set = ret_f->sets[n];
		read_one(&s, set);
		if (any_case)
			ignore_case(set);
		ret_f->n = n + 1;
	}
	if (ret_f->n < FRAGMENT_MIN)
		abort();
}
