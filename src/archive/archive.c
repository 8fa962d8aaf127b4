/* The archive of a backup. What is read comes from wherever backups were kept: nothing in it is
 * believed before it was compared with what it must be. */
#include "archive/archive.h"

#include "archive/tar.h"
#include "base/path.h"

enum { HEX = 2 * SHA256_SIZE };

#define FIRST_LINE "chancery-backup 1\n"
static const str manifest_name = { "MANIFEST", 8 };

bool archive_name_ok(str name)
{
	if (name.n == 0 || name.n > ARCHIVE_NAME_MAX)
		return false;
	for (str left = name; left.p;) {
		str part = str_cut(&left, '/');
		if (!name_ok(part, ARCHIVE_NAME_MAX))
			return false;
	}
	return !str_eq(name, manifest_name);
}

size_t archive_padding(uint64_t size)
{
	return tar_padding(size);
}

static void put_tar(struct wr *w, str name, uint64_t size, int64_t mtime)
{
	uint8_t full[TAR_NAME_MAX];
	struct wr n = wr_of(full, sizeof(full));
	wr_lit(&n, ARCHIVE_TOP);
	wr_str(&n, name);
	tar_header(w, wr_text(&n), size, mtime);
	w->full |= n.full;
}

void archive_header(struct wr *w, const struct archive *a, const struct archive_file *f)
{
	put_tar(w, (str){ f->name, f->name_n }, f->size, a->created_s);
}

/* --- manifest --- */

static void put_hash(struct wr *w, const uint8_t hash[static SHA256_SIZE])
{
	wr_hex(w, (bytes){ hash, SHA256_SIZE });
}

static void manifest_text(struct wr *w, const struct archive *a)
{
	uint8_t hash[SHA256_SIZE];
	size_t start = w->n;
	wr_lit(w, FIRST_LINE "created ");
	wr_dec(w, (uint64_t)a->created_s);
	wr_lit(w, "\nbuild ");
	wr_str(w, a->build);
	wr_char(w, '\n');
	for (size_t i = 0; i < a->n; i++) {
		const struct archive_file *f = &a->files[i];
		wr_lit(w, "file ");
		wr_dec(w, f->size);
		wr_char(w, ' ');
		put_hash(w, f->hash);
		wr_char(w, ' ');
		wr_str(w, (str){ f->name, f->name_n });
		wr_char(w, '\n');
	}
	if (w->full)
		return;
	sha256((bytes){ w->p + start, w->n - start }, hash);
	wr_lit(w, "sha256 ");
	put_hash(w, hash);
	wr_char(w, '\n');
}

static void put_zeros(struct wr *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		wr_u8(w, 0);
}

void archive_manifest(struct wr *w, const struct archive *a)
{
	uint8_t head[ARCHIVE_BLOCK];
	struct wr h = wr_of(head, sizeof(head));
	uint8_t *at = wr_room(w, sizeof(head));
	size_t start = w->n;
	manifest_text(w, a);
	put_tar(&h, manifest_name, w->n - start, a->created_s);
	put_zeros(w, archive_padding(w->n - start));
	if (at && !h.full)
		mem_copy(at, head, sizeof(head));
}

/* --- reading --- */

static int digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hash_read(str hex, uint8_t ret[static SHA256_SIZE])
{
	for (size_t i = 0; i < hex.n; i++)
		if (digit_of(hex.p[i]) < 0)
			return false;
	for (size_t i = 0; hex.n == HEX && i < SHA256_SIZE; i++)
		ret[i] = (uint8_t)(digit_of(hex.p[2 * i]) << 4 | digit_of(hex.p[2 * i + 1]));
	return hex.n == HEX;
}

static ch_err bad_manifest(size_t at)
{
	return ch_fail(CH_E_SYNTAX, "its manifest is not of the form that it must have", at);
}

static ch_err file_line(struct archive *a, str line, size_t at)
{
	struct archive_file f = { 0 };
	str size = str_cut(&line, ' '), hash = str_cut(&line, ' ');
	if (!str_to_u64(size, UINT64_C(1) << 33, &f.size) || f.size >> 33 ||
	    !hash_read(hash, f.hash) || !archive_name_ok(line))
		return bad_manifest(at);
	if (a->n == ARCHIVE_FILES_MAX)
		return ch_fail(CH_E_LIMIT, "it has more files than any backup of ours", a->n);
	for (size_t i = 0; i < a->n; i++)
		if (str_eq((str){ a->files[i].name, a->files[i].name_n }, line))
			return bad_manifest(at);
	f.name_n = line.n;
	mem_copy(f.name, line.p, line.n);
	a->files[a->n++] = f;
	return CH_DONE;
}

static bool created_of(str line, int64_t *ret_s)
{
	uint64_t v = 0;
	if (!str_starts(line, LIT("created ")) ||
	    !str_to_u64(str_sub(line, 8, line.n), (UINT64_C(1) << 33) - 1, &v))
		return false;
	*ret_s = (int64_t)v;
	return true;
}

static ch_err manifest_read(str text, struct archive *a)
{
	uint8_t said[SHA256_SIZE], hash[SHA256_SIZE];
	str left = text;
	if (!str_eq(str_cut(&left, '\n'), str_sub(LIT(FIRST_LINE), 0, sizeof(FIRST_LINE) - 2)))
		return ch_fail(CH_E_UNSUPPORTED, "no backup, or of another version", 0);
	if (!created_of(str_cut(&left, '\n'), &a->created_s))
		return bad_manifest(1);
	str build = str_cut(&left, '\n');
	if (!str_starts(build, LIT("build ")))
		return bad_manifest(2);
	a->build = str_sub(build, 6, build.n);
	while (str_starts(left, LIT("file "))) {
		str line = str_cut(&left, '\n');
		TRY(file_line(a, str_sub(line, 5, line.n), (size_t)(line.p - text.p)));
	}
	size_t covered = (size_t)(left.p ? left.p - text.p : (ptrdiff_t)text.n);
	str last = str_cut(&left, '\n');
	if (!left.p || left.n > 0 || !str_starts(last, LIT("sha256 ")) ||
	    !hash_read(str_sub(last, 7, last.n), said))
		return bad_manifest(covered);
	sha256(bytes_of_str(str_sub(text, 0, covered)), hash);
	if (!mem_eq(said, hash, sizeof(hash)))
		return ch_fail(CH_E_MISMATCH, "its manifest was changed", covered);
	return CH_DONE;
}

/* The content behind this header, which is written anew and compared. */
static ch_err member_read(struct rd *r, const struct archive *a, str name, uint64_t size,
			  bytes *ret_content)
{
	uint8_t wanted[ARCHIVE_BLOCK];
	struct wr w = wr_of(wanted, sizeof(wanted));
	put_tar(&w, name, size, a->created_s);
	bytes head = rd_take(r, sizeof(wanted));
	bytes content = rd_take(r, (size_t)size);
	bytes padding = rd_take(r, archive_padding(size));
	if (r->bad)
		return ch_fail(CH_E_TRUNCATED, "it ends early", rd_left(r));
	if (!bytes_eq(head, BYTES_OF(wanted)) || !bytes_are_zero(padding))
		return ch_fail(CH_E_MISMATCH, "a header in it was changed", rd_left(r));
	*ret_content = content;
	return CH_DONE;
}

/* The manifest's size is the one thing that only its header says. */
static ch_err first_read(struct rd *r, struct archive *a)
{
	struct rd look = *r;
	bytes head = rd_take(&look, ARCHIVE_BLOCK), content = { 0 };
	uint64_t size = 0;
	if (look.bad)
		return ch_fail(CH_E_TRUNCATED, "it ends early", rd_left(r));
	if (!tar_size(head, &size) || size > ARCHIVE_MANIFEST_MAX)
		return ch_fail(CH_E_SYNTAX, "this is no backup", size);
	bytes text = rd_take(&look, (size_t)size);
	if (look.bad)
		return ch_fail(CH_E_TRUNCATED, "it ends early", rd_left(r));
	TRY(manifest_read(str_of_bytes(text), a));
	return member_read(r, a, manifest_name, size, &content);
}

ch_err archive_read(bytes all, struct archive *a)
{
	struct rd r = rd_of(all);
	a->n = 0;
	TRY(first_read(&r, a));
	for (size_t i = 0; i < a->n; i++) {
		struct archive_file *f = &a->files[i];
		uint8_t hash[SHA256_SIZE];
		TRY(member_read(&r, a, (str){ f->name, f->name_n }, f->size, &f->content));
		sha256(f->content, hash);
		if (!mem_eq(hash, f->hash, sizeof(hash)))
			return ch_fail(CH_E_MISMATCH, "a file in it was changed", i);
	}
	bytes end = rd_take(&r, ARCHIVE_END);
	if (r.bad)
		return ch_fail(CH_E_TRUNCATED, "it ends early", rd_left(&r));
	if (!bytes_are_zero(end))
		return ch_fail(CH_E_MISMATCH, "its end was changed", 0);
	return rd_done(&r);
}
