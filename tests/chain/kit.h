/* A folder for one test, and short names for what every test of a chain does. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain_internal.h"

enum { NOW_MS = 1000000, SEGMENT_SMALL = CHAIN_SEGMENT_MIN };

extern uint8_t kit_room[CHAIN_ROOM_MAX];   /* of writers */
extern uint8_t kit_reader[CHAIN_ROOM_MAX]; /* of readers */

extern uint32_t kit_ahead; /* room that writers make, 0 unless a test says so */

/* The test's folder, empty; and it is gone afterwards. */
int kit_begin(void **state);
int kit_end(void **state);
#define kit_test(f) cmocka_unit_test_setup_teardown(f, kit_begin, kit_end)
const char *kit_folder(void);

struct chain_config kit_config(void);
/* For readers. */
extern const struct chain_ref kit_ref;
/* Opens with kit_config and fails the test if that fails. */
void kit_open(struct chain *c, struct chain_opened *report);
/* A batch of n records "record SEQ" with the time NOW_MS + SEQ. */
void kit_batch(struct chain *c, size_t n, enum chain_sync sync);
/* n single batches. */
void kit_batches(struct chain *c, size_t n, enum chain_sync sync);
/* Reads everything and compares it with what kit_batch writes; the number of records. */
size_t kit_read_all(void);
enum ch_code kit_verify(struct chain_report *report);

/* The whole content of a segment, and putting it back. */
size_t kit_load(uint64_t segment, uint8_t *to, size_t cap);
void kit_store(uint64_t segment, const uint8_t *p, size_t n);
size_t kit_size(uint64_t segment);
