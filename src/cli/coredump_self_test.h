/* `chancery coredump self-test`: a crash through the kernel, and what became of it. */
#pragma once
#include "coredump_state.h"

/* Crashes a child that holds a secret, waits for its dump in a folder of its own, sealed to a
 * key of this test alone, opens it, and looks for the secret in every form. E_BUSY: no dump
 * came; E_MISMATCH: what came is no core; E_DENIED: the secret is in it, or the stored file is
 * not sealed. */
ch_err handler_self_test(const struct handler *h);
