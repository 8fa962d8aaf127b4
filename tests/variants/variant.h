/* A mark in every variant, for the test that looks for it in what is released. */
#pragma once

#define VARIANT(name) \
	__attribute__((used)) static const char variant_mark[] = "chancery test variant: " name
