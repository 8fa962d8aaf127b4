/* Tar headers, as https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html has them
 * (ustar interchange format). What is read is a stranger's. */
#include "archive/tar.h"

enum { SIZE_AT = 124, MTIME_AT = 136, NUMBER = 12, SUM_AT = 148 };

size_t tar_padding(uint64_t size)
{
	return (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

static void put_octal(struct wr *w, uint64_t v, size_t digits)
{
	for (size_t i = digits; i-- > 0;)
		wr_char(w, (char)('0' + (v >> 3 * i & 7)));
	wr_u8(w, 0);
}

static void put_text(struct wr *w, str s, size_t size)
{
	wr_str(w, s);
	for (size_t i = s.n; i < size; i++)
		wr_u8(w, 0);
}

void tar_header(struct wr *w, str name, uint64_t size, int64_t mtime_s)
{
	uint8_t block[TAR_BLOCK];
	struct wr b = wr_of(block, sizeof(block));
	uint64_t sum = 0;
	put_text(&b, name, TAR_NAME_MAX);
	put_octal(&b, 0600, 7);
	put_octal(&b, 0, 7);
	put_octal(&b, 0, 7);
	put_octal(&b, size, NUMBER - 1);
	put_octal(&b, (uint64_t)mtime_s, NUMBER - 1);
	wr_lit(&b, "        0"); /* the sum's place as it is summed; then the type: a file */
	put_text(&b, (str){ 0 }, 100);
	wr_put(&b, (bytes){ (const uint8_t *)"ustar\00000", 8 });
	put_text(&b, LIT("root"), 32);
	put_text(&b, LIT("root"), 32);
	put_text(&b, (str){ 0 }, 8 + 8 + 155 + 12);
	if (b.full || b.n != sizeof(block) || size > TAR_SIZE_MAX) {
		w->full = true;
		return;
	}
	for (size_t i = 0; i < sizeof(block); i++)
		sum += block[i];
	b = wr_of(block + SUM_AT, 8);
	put_octal(&b, sum, 6);
	wr_char(&b, ' ');
	wr_put(w, BYTES_OF(block));
}

static bool octal_read(bytes field, uint64_t *ret_v)
{
	uint64_t v = 0;
	for (size_t i = 0; i + 1 < field.n; i++) {
		if (field.p[i] < '0' || field.p[i] > '7')
			return false;
		v = v << 3 | (uint64_t)(field.p[i] - '0');
	}
	*ret_v = v;
	return true;
}

bool tar_size(bytes block, uint64_t *ret_size)
{
	return block.n == TAR_BLOCK && octal_read((bytes){ block.p + SIZE_AT, NUMBER }, ret_size);
}

bool tar_mtime(bytes block, int64_t *ret_s)
{
	uint64_t v = 0;
	if (block.n != TAR_BLOCK || !octal_read((bytes){ block.p + MTIME_AT, NUMBER }, &v))
		return false;
	*ret_s = (int64_t)v;
	return true;
}
