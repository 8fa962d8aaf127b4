/* QR codes on a terminal, two rows of the picture in one row of text. Colours are said and
 * not left to the terminal: a reader needs dark on light, with a margin. */
#include "token_qr.h"

#include <langinfo.h>
#include <locale.h>
#include <qrencode.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { TEXT_MAX = 256, MARGIN = 2 };

static void code_done(QRcode **q)
{
	QRcode_free(*q);
	*q = NULL;
}

static bool dark(const QRcode *q, int x, int y)
{
	return x >= 0 && y >= 0 && x < q->width && y < q->width && (q->data[y * q->width + x] & 1);
}

static void row(const QRcode *q, int y)
{
	(void)fputs("  \033[40;97m", stderr);
	for (int x = -MARGIN; x < q->width + MARGIN; x++) {
		bool above = dark(q, x, y), below = dark(q, x, y + 1);
		(void)fputs(above && below ? " " : above ? "▄" : below ? "▀" : "█", stderr);
	}
	(void)fputs("\033[0m\n", stderr);
}

void qr_show(str text)
{
	char plain[TEXT_MAX + 1] = { 0 };
	if (text.n > TEXT_MAX || !isatty(STDERR_FILENO))
		return;
	/* its own locale: nothing else here shall depend on one */
	locale_t l = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8 = l && strcmp(nl_langinfo_l(CODESET, l), "UTF-8") == 0;
	if (l)
		freelocale(l);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] <= ' ' || text.p[i] > '~')
			return;
		plain[i] = text.p[i];
	}
	AUTO(code_done)
	QRcode *q = utf8 ? QRcode_encodeString8bit(plain, 0, QR_ECLEVEL_L) : NULL;
	for (int y = -MARGIN; q && y < q->width + MARGIN; y += 2)
		row(q, y);
}
