/* While this is built: the file that `chancery init` writes, as an example to install. It
 * trusts nothing and reads nothing. */
#include <stdio.h>

#include "config/config.h"

int main(void)
{
	static uint8_t room[CONFIG_WRITE_MAX];
	static struct config c;
	struct wr w = wr_of(room, sizeof(room));
	config_defaults(&c);
	config_write(&w, &c);
	if (failed(wr_done(&w)) || fwrite(room, 1, w.n, stdout) != w.n || fflush(stdout) != 0)
		return 3;
	return 0;
}
