/* What commands say to people: one sentence on standard error, with the program's name. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum { EXIT_YES = 0, EXIT_NO = 1, EXIT_USAGE = 2, EXIT_TROUBLE = 3 };

/* "chancery: WHAT: SUBJECT: the error's text (detail)"; subject may be empty. Returns
 * EXIT_TROUBLE. */
int say_trouble(const char *what, str subject, ch_err e);
/* "chancery: TEXT: SUBJECT" */
void say(const char *text, str subject);
