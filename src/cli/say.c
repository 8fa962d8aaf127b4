/* Messages to people. Never a secret: subjects are names and paths. */
#include "say.h"

#include <stdio.h>
#include <string.h>

void say(const char *text, str subject)
{
	if (subject.n > 0)
		(void)fprintf(stderr, "chancery: %s: %.*s\n", text, (int)subject.n, subject.p);
	else
		(void)fprintf(stderr, "chancery: %s\n", text);
}

int say_trouble(const char *what, str subject, ch_err e)
{
	const char *detail = ch_code_of(e) == CH_E_IO ? strerrordesc_np((int)e.detail) : NULL;
	(void)fprintf(stderr, "chancery: %s%s%.*s: %s%s%s%s\n", what, subject.n ? " " : "",
		      (int)subject.n, subject.n ? subject.p : "", e.site ? e.site->what : "",
		      detail ? " (" : "", detail ? detail : "", detail ? ")" : "");
	return EXIT_TROUBLE;
}
