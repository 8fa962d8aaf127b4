// Makes ../golden.h with golang.org/x/mod/sumdb's tlog and note (Debian:
// golang-golang-x-mod-dev), so that src/merkle is held against what another implementation
// writes: GO111MODULE=off GOPATH=/usr/share/gocode go run main.go >../golden.h
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const logName, witnessName = "login.example.com/log", "witness.example/w1"

// The same entries as tests/merkle/plain.c makes.
func entry(i int) []byte {
	b := []byte(fmt.Sprintf("entry %d", i))
	for k := 0; k < i%190; k++ {
		b = append(b, byte(i+k))
	}
	return b
}

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = h[x]
	}
	return out, nil
}

func literal(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '\n':
			b.WriteString("\\n\"\n\t\"")
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, "\\%03o", c)
		case c == '"' || c == '\\':
			b.WriteString("\\" + string(c))
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return strings.ReplaceAll(b.String(), "\n\t\"\"", "")
}

func keyID(name string, kind byte, public []byte) []byte {
	h := sha256.Sum256(append(append([]byte(name+"\n"), kind), public...))
	return h[:4]
}

func vkey(name string, kind byte, public []byte) string {
	raw := append([]byte{kind}, public...)
	return fmt.Sprintf("%s+%x+%s", name, keyID(name, kind, public),
		base64.StdEncoding.EncodeToString(raw))
}

func line(name string, id, sig []byte) string {
	return "\u2014 " + name + " " + base64.StdEncoding.EncodeToString(append(id, sig...)) + "\n"
}

func cosigned(name string, key ed25519.PrivateKey, time uint64, body string) string {
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, body)
	sig := binary.BigEndian.AppendUint64(nil, time)
	sig = append(sig, ed25519.Sign(key, []byte(message))...)
	return line(name, keyID(name, 4, key.Public().(ed25519.PublicKey)), sig)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	logKey := ed25519.NewKeyFromSeed(bytes.Repeat([]byte("L"), 32))
	witnessKey := ed25519.NewKeyFromSeed(bytes.Repeat([]byte("W"), 32))
	logPublic := logKey.Public().(ed25519.PublicKey)
	witnessPublic := witnessKey.Public().(ed25519.PublicKey)
	fmt.Println("/* Made by golden/main.go; do not edit. */\n#pragma once\n/* clang-format off */")
	fmt.Printf("#define GOLDEN_VKEY %s\n", literal(vkey(logName, 1, logPublic)))
	fmt.Printf("#define GOLDEN_WITNESS %s\n", literal(vkey(witnessName, 4, witnessPublic)))

	var h hashes
	roots := map[int]tlog.Hash{}
	for i := 0; i < 1000; i++ {
		more, err := tlog.StoredHashes(int64(i), entry(i), h)
		check(err)
		h = append(h, more...)
		roots[i+1], err = tlog.TreeHash(int64(i+1), h)
		check(err)
	}
	fmt.Println("static const struct { unsigned size; const char *root; } golden_roots[] = {")
	for _, n := range []int{1, 2, 3, 255, 256, 257, 511, 512, 513, 700, 1000} {
		fmt.Printf("\t{ %d, \"%v\" },\n", n, roots[n])
	}
	fmt.Println("};\nstatic const struct { unsigned index, size; const char *proof; } golden_proofs[] = {")
	for _, c := range [][2]int{{0, 1}, {0, 1000}, {777, 1000}, {999, 1000}, {255, 257}, {256, 257}} {
		p, err := tlog.ProveRecord(int64(c[1]), int64(c[0]), h)
		check(err)
		fmt.Printf("\t{ %d, %d,\n\t%s },\n", c[0], c[1], literal(text(p)))
	}
	fmt.Println("};\nstatic const struct { unsigned old, size; const char *proof; } golden_trees[] = {")
	for _, c := range [][2]int{{1, 2}, {1, 1000}, {700, 1000}, {512, 1000}, {256, 257}, {999, 1000}} {
		p, err := tlog.ProveTree(int64(c[1]), int64(c[0]), h)
		check(err)
		fmt.Printf("\t{ %d, %d,\n\t%s },\n", c[0], c[1], literal(text(tlog.RecordProof(p))))
	}
	fmt.Println("};\nstatic const struct { unsigned level; uint64_t n; unsigned width; const char *path; } golden_paths[] = {")
	for _, t := range []tlog.Tile{{8, 0, 0, 256}, {8, 0, 0, 1}, {8, 1, 5, 255}, {8, 0, 999, 256},
		{8, 0, 1000, 256}, {8, 0, 1234067, 256}, {8, 2, 1234067, 7}, {8, 0, 1 << 40, 256},
		{8, 7, 1000000, 3}, {8, 0, 1<<55 - 1, 255}} {
		fmt.Printf("\t{ %d, %d, %d, \"%s\" },\n", t.L, t.N, t.W, strings.Replace(t.Path(), "tile/8/", "tile/", 1))
	}
	fmt.Println("};")

	body := fmt.Sprintf("%s\n1000\n%v\n", logName, roots[1000])
	skey := fmt.Sprintf("PRIVATE+KEY+%s+%x+%s", logName, keyID(logName, 1, logPublic),
		base64.StdEncoding.EncodeToString(append([]byte{1}, logKey.Seed()...)))
	signer, err := note.NewSigner(skey)
	check(err)
	signed, err := note.Sign(&note.Note{Text: body}, signer)
	check(err)
	head := string(signed) + cosigned(logName, logKey, 1795396127, body)
	fmt.Printf("static const char golden_head[] =\n\t%s;\n", literal(head))
	fmt.Printf("static const char golden_witnessed[] =\n\t%s;\n", literal(head+cosigned(witnessName, witnessKey, 1795396128, body)))
}

func text(p []tlog.Hash) string {
	s := ""
	for _, h := range p {
		s += h.String() + "\n"
	}
	return s
}
