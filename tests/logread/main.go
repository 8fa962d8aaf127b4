// Reads and judges a log of ours by means that are not ours: golang.org/x/mod/sumdb's tlog and
// note (Debian: golang-golang-x-mod-dev), and the C2SP texts for what those lack.
//
//	logread [-witness VKEY]... [-from N] log DIR VKEY [OLD-CHECKPOINT...]
//	logread [-witness VKEY]... proof VKEY <PROOF
//	logread [-witness VKEY]... evidence FILE VKEY [DIR]
//
// VKEY is a file, or the key itself. "ACCEPT: …" and status 0, or "REJECT: …" and 1.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func reject(format string, args ...any) {
	fmt.Printf("REJECT: "+format+"\n", args...)
	os.Exit(1)
}

func must(what string, err error) {
	if err != nil {
		reject("%s: %v", what, err)
	}
}

// --- signatures: sumdb/note has type 1 only; cosignature/v1 is c2sp.org/tlog-cosignature's ---

type cosigner struct {
	name string
	id   uint32
	key  ed25519.PublicKey
	time *uint64
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.id }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	*c.time = binary.BigEndian.Uint64(sig)
	text := fmt.Sprintf("cosignature/v1\ntime %d\n%s", *c.time, msg)
	return ed25519.Verify(c.key, []byte(text), sig[8:])
}

func keyID(name string, kind byte, key []byte) uint32 {
	h := sha256.Sum256(append([]byte(name+"\n"), append([]byte{kind}, key...)...))
	return binary.BigEndian.Uint32(h[:])
}

func split(vkey string) (name string, kind byte, key ed25519.PublicKey) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		reject("no vkey: %q", vkey)
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	must("vkey", err)
	id, err := strconv.ParseUint(parts[1], 16, 32)
	must("vkey", err)
	if len(raw) != 1+ed25519.PublicKeySize || keyID(parts[0], raw[0], raw[1:]) != uint32(id) {
		reject("the vkey's id is not its own")
	}
	return parts[0], raw[0], raw[1:]
}

func vkeyOf(arg string) string {
	if b, err := os.ReadFile(arg); err == nil {
		arg = string(b)
	}
	return strings.TrimSpace(arg)
}

type head struct {
	tree tlog.Tree
	time uint64
}

// A head that the log has signed and cosigned under one key, and each witness has cosigned.
func open(text []byte, vkey string, witnesses []string) head {
	var h head
	name, kind, key := split(vkey)
	if kind != 1 {
		reject("the log's vkey is of type %d", kind)
	}
	signer, err := note.NewVerifier(vkey)
	must("vkey", err)
	known := []note.Verifier{signer, cosigner{name, keyID(name, 4, key), key, &h.time}}
	for _, w := range witnesses {
		wname, wkind, wkey := split(w)
		if wkind != 4 {
			reject("a witness's vkey is of type %d", wkind)
		}
		known = append(known, cosigner{wname, keyID(wname, 4, wkey), wkey, new(uint64)})
	}
	n, err := note.Open(text, note.VerifierList(known...))
	must("checkpoint", err)
	if len(n.Sigs) != len(known) {
		reject("checkpoint: %d of %d signatures", len(n.Sigs), len(known))
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != name {
		reject("checkpoint: the text is not this log's")
	}
	h.tree.N, err = strconv.ParseInt(lines[1], 10, 64)
	must("checkpoint", err)
	h.tree.Hash, err = tlog.ParseHash(lines[2])
	must("checkpoint", err)
	return h
}

// --- tiles ---

type folder struct {
	dir  string
	have map[string][]byte
}

func (f *folder) Height() int                     { return 8 }
func (f *folder) SaveTiles([]tlog.Tile, [][]byte) {}
func (f *folder) read(name string) ([]byte, error) {
	if b, ok := f.have[name]; ok {
		return b, nil
	}
	b, err := os.ReadFile(filepath.Join(f.dir, name))
	if err == nil {
		f.have[name] = b
	}
	return b, err
}

// sumdb's paths have the height in them, c2sp.org/tlog-tiles' have not.
func (f *folder) tile(t tlog.Tile, kind string) ([]byte, int, error) {
	path := func(t tlog.Tile) string {
		return strings.Replace(t.Path(), fmt.Sprintf("tile/8/%d/", t.L), "tile/"+kind+"/", 1)
	}
	b, err := f.read(path(t))
	if err != nil && t.W < 256 { // the full tile in place of a partial one that is gone
		full := t
		full.W = 256
		b, err = f.read(path(full))
		return b, 256, err
	}
	return b, t.W, err
}

func (f *folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		b, width, err := f.tile(t, strconv.Itoa(t.L))
		if err != nil {
			return nil, err
		}
		if len(b) != width*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", t.Path(), len(b))
		}
		out = append(out, b[:t.W*tlog.HashSize])
	}
	return out, nil
}

func (f *folder) entries(size, n int64) [][]byte {
	t := tlog.Tile{H: 8, L: 0, N: n, W: 256}
	if size-n*256 < 256 {
		t.W = int(size - n*256)
	}
	b, width, err := f.tile(t, "entries")
	must("bundle", err)
	var out [][]byte
	for i := 0; i < width; i++ {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			reject("bundle %d ends early", n)
		}
		l := int(binary.BigEndian.Uint16(b))
		out = append(out, b[2:2+l])
		b = b[2+l:]
	}
	if len(b) != 0 {
		reject("bundle %d has something behind its entries", n)
	}
	return out[:t.W]
}

// --- our entries, by docs/LEDGER.md and nothing else ---

type entry struct {
	typ        byte
	iat, exp   int64
	hash       []byte
	realm, kid string
}

func parse(b []byte) entry {
	if len(b) < 52 || len(b) > 256 || b[0] != 1 || (b[1] != 1 && b[1] != 2) {
		reject("no entry: %x", b)
	}
	e := entry{typ: b[1], iat: int64(binary.BigEndian.Uint64(b[2:])),
		exp: int64(binary.BigEndian.Uint64(b[10:])), hash: b[18:50]}
	rest := b[50:]
	for _, to := range []*string{&e.realm, &e.kid} {
		if len(rest) < 1 || len(rest)-1 < int(rest[0]) || rest[0] == 0 {
			reject("no entry: %x", b)
		}
		*to = string(rest[1 : 1+int(rest[0])])
		rest = rest[1+int(rest[0]):]
	}
	if len(rest) != 0 || e.exp < e.iat || e.iat < 0 {
		reject("no entry: %x", b)
	}
	return e
}

// --- the commands ---

func checkLog(args []string, witnesses []string, from int64) {
	dir, vkey := args[0], vkeyOf(args[1])
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	must("checkpoint", err)
	now := open(text, vkey, witnesses)
	source := &folder{dir, map[string][]byte{}}
	hashes := tlog.TileHashReader(now.tree, source)
	root, err := tlog.TreeHash(now.tree.N, hashes)
	must("root", err)
	if root != now.tree.Hash {
		reject("the tiles' root is not the checkpoint's")
	}
	for _, name := range args[2:] {
		text, err := os.ReadFile(name)
		must(name, err)
		old := open(text, vkey, nil)
		if old.tree.N > now.tree.N {
			reject("%s is of a larger tree", name)
		}
		if old.tree.N == 0 {
			continue
		}
		proof, err := tlog.ProveTree(now.tree.N, old.tree.N, hashes)
		must(name, err)
		must(name, tlog.CheckTree(proof, now.tree.N, now.tree.Hash, old.tree.N, old.tree.Hash))
	}
	count := int64(0)
	for n := from / 256; n*256 < now.tree.N; n++ {
		for i, e := range source.entries(now.tree.N, n) {
			parse(e)
			index := n*256 + int64(i)
			proof, err := tlog.ProveRecord(now.tree.N, index, hashes)
			must("inclusion", err)
			must("inclusion", tlog.CheckRecord(proof, now.tree.N, now.tree.Hash, index, tlog.RecordHash(e)))
			count++
		}
	}
	fmt.Printf("ACCEPT: size %d, %d inclusion proofs, %d older heads, time %d\n", now.tree.N, count,
		len(args)-2, now.time)
}

// A c2sp.org/tlog-proof whose extra line is the entry.
func checkProof(args []string, witnesses []string) {
	text, err := io.ReadAll(os.Stdin)
	must("proof", err)
	cut := bytes.Index(text, []byte("\n\n"))
	if cut < 0 {
		reject("no proof")
	}
	now := open(text[cut+2:], vkeyOf(args[0]), witnesses)
	lines := strings.Split(string(text[:cut]), "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "extra ") ||
		!strings.HasPrefix(lines[2], "index ") {
		reject("no proof of ours")
	}
	e, err := base64.StdEncoding.DecodeString(lines[1][len("extra "):])
	must("extra", err)
	index, err := strconv.ParseInt(lines[2][len("index "):], 10, 64)
	must("index", err)
	var proof tlog.RecordProof
	for _, l := range lines[3:] {
		h, err := tlog.ParseHash(l)
		must("hash", err)
		proof = append(proof, h)
	}
	must("inclusion", tlog.CheckRecord(proof, now.tree.N, now.tree.Hash, index, tlog.RecordHash(e)))
	p := parse(e)
	fmt.Printf("ACCEPT: index %d of %d, realm %s, kid %s, hash %x\n", index, now.tree.N, p.realm, p.kid, p.hash)
}

type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, vkeyOf(s)); return nil }

func main() {
	var witnesses list
	flag.Var(&witnesses, "witness", "a witness's vkey that must have cosigned")
	from := flag.Int64("from", 0, "the log's minimum index")
	flag.Parse()
	args := flag.Args()
	switch {
	case len(args) >= 3 && args[0] == "log":
		checkLog(args[1:], witnesses, *from)
	case len(args) == 2 && args[0] == "proof":
		checkProof(args[1:], witnesses)
	case len(args) >= 3 && args[0] == "evidence":
		checkEvidence(args[1:], witnesses)
	default:
		flag.Usage()
		os.Exit(2)
	}
}
