/* The members of cases.json as questions. */
#pragma once
#include "base/arena.h"
#include "codec/json.h"
#include "question.h"

/* Each copies its texts into the arena. False: not of the form, or no room. */
bool trust_read(const struct json_node *issuers, struct arena *a, struct trust *ret_t);
bool question_read(const struct json_node *step, struct arena *a, struct question *ret_q);
/* The member's text, p == NULL when there is none. */
bool words_read(const struct json_node *object, str name, struct arena *a, struct words *ret_w);
/* Can who is asked answer this case at all? needs is an array of words. */
bool asked_knows(const struct json_node *needs);
