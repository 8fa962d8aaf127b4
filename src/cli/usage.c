/* The one way to print usage: asked for it is a result, otherwise a diagnostic. */
#include <stdio.h>

#include "commands.h"
#include "say.h"

int command_wrong(const char *usage, const char *why)
{
	say(why, (str){ 0 });
	return command_usage(usage, false);
}

int command_usage(const char *usage, bool asked)
{
	(void)fputs(usage, asked ? stdout : stderr);
	return asked ? EXIT_YES : EXIT_USAGE;
}
