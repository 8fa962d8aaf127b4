/* W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/): what a caller says of the
 * trace that its request is part of. */
#pragma once
#include "base/rw.h"

enum { TRACE_ID_SIZE = 16, TRACE_SPAN_SIZE = 8, TRACE_PARENT_TEXT = 55 };

struct trace {
	bool present;
	uint8_t id[TRACE_ID_SIZE];
	uint8_t span[TRACE_SPAN_SIZE];
	uint8_t flags; /* 1: sampled */
};

/* A traceparent field: 00-…-…-01 in small hex digits, ids not all zero. What a later version
 * says behind these is passed over, as the standard asks. E_SYNTAX: it is to be ignored. */
ch_err trace_read(str text, struct trace *ret_t);
/* The same as version 00, with another span: TRACE_PARENT_TEXT characters. */
void trace_write(struct wr *w, const struct trace *t, const uint8_t span[static TRACE_SPAN_SIZE]);
