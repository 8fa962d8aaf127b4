/* The steps of a signer, as the crash report names them. */
#include "wire/status.h"

static const str names[STEP_COUNT] = {
	[STEP_START] = { "start", 5 },     [STEP_SECRET_MEMORY] = { "secret-memory", 13 },
	[STEP_KEY] = { "key", 3 },         [STEP_UNSEAL] = { "unseal", 6 },
	[STEP_SANDBOX] = { "sandbox", 7 }, [STEP_IDLE] = { "idle", 4 },
	[STEP_DECODE] = { "decode", 6 },   [STEP_BUILD] = { "build", 5 },
	[STEP_SIGN] = { "sign", 4 },       [STEP_SEND] = { "send", 4 },
	[STEP_STOP] = { "stop", 4 },
};

str signer_step_name(uint32_t step)
{
	return step < STEP_COUNT ? names[step] : LIT("unknown");
}
