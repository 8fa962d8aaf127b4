package main

import (
	"archive/tar"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"math/bits"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// --- the token: by src/evidence/FORMAT.md and the RFCs ---

type jwk struct {
	Kty, Alg, Kid, Crv, X, Y, N, E string
	LoggedFrom                     int64 `json:"logged_from"`
}

func raw(text string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(text)
	must("base64url", err)
	return b
}

func number(text string) *big.Int { return new(big.Int).SetBytes(raw(text)) }

func signed(k jwk, input, sig []byte) bool {
	hash := sha256.Sum256(input)
	switch k.Alg {
	case "ES256":
		key := ecdsa.PublicKey{Curve: elliptic.P256(), X: number(k.X), Y: number(k.Y)}
		return len(sig) == 64 && key.IsOnCurve(key.X, key.Y) &&
			ecdsa.Verify(&key, hash[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	case "EdDSA":
		return len(raw(k.X)) == ed25519.PublicKeySize && ed25519.Verify(raw(k.X), input, sig)
	case "RS256":
		key := rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())}
		return rsa.VerifyPKCS1v15(&key, crypto.SHA256, hash[:], sig) == nil
	case "PS256":
		key := rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())}
		return rsa.VerifyPSS(&key, crypto.SHA256, hash[:], sig, &rsa.PSSOptions{SaltLength: 32}) == nil
	}
	return false
}

// --- the tree: a stack of full subtrees, the largest first ---

type edge struct {
	size   int64
	hashes []tlog.Hash
}

func (e *edge) add(h tlog.Hash) {
	for n := e.size; n&1 == 1; n >>= 1 {
		last := len(e.hashes) - 1
		h = tlog.NodeHash(e.hashes[last], h)
		e.hashes = e.hashes[:last]
	}
	e.hashes = append(e.hashes, h)
	e.size++
}

func (e *edge) root() tlog.Hash {
	if len(e.hashes) == 0 {
		return tlog.Hash(sha256.Sum256(nil))
	}
	h := e.hashes[len(e.hashes)-1]
	for i := len(e.hashes) - 2; i >= 0; i-- {
		h = tlog.NodeHash(e.hashes[i], h)
	}
	return h
}

// --- the file ---

func members(name string) map[string][]byte {
	f, err := os.Open(name)
	must("evidence", err)
	defer f.Close()
	out := map[string][]byte{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		must("evidence", err)
		b, err := io.ReadAll(r)
		must(h.Name, err)
		if _, twice := out[h.Name]; twice {
			reject("%s is there twice", h.Name)
		}
		out[strings.TrimPrefix(h.Name, "evidence/")] = b
	}
}

type about struct {
	Format, Origin, Claim, Log string
	Size, First                int64
	Thin                       bool
	Created                    int64
}

type times struct{ Iat, Exp int64 }

// logread evidence FILE VKEY [DIR]: DIR is where a thin file's entries are.
func checkEvidence(args, witnesses []string) {
	m := members(args[0])
	var a about
	var k jwk
	var header struct{ Alg, Kid string }
	var t times
	must("evidence.json", json.Unmarshal(m["evidence.json"], &a))
	must("key.json", json.Unmarshal(m["key.json"], &k))
	if a.Format != "chancery-evidence/1" {
		reject("no evidence")
	}
	parts := strings.Split(string(m["signing-input"]), ".")
	if len(parts) != 2 {
		reject("no signing input")
	}
	must("header", json.Unmarshal(raw(parts[0]), &header))
	must("payload", json.Unmarshal(raw(parts[1]), &t))
	if header.Alg != k.Alg || header.Kid != k.Kid || !signed(k, m["signing-input"], m["signature"]) {
		reject("the token is not signed by that key")
	}
	now := open(m["checkpoint"], vkeyOf(args[1]), witnesses)
	if now.tree.N != a.Size {
		reject("evidence.json is of another head")
	}
	e := edge{size: a.First}
	for _, line := range strings.Fields(string(m["edge"])) {
		h, err := tlog.ParseHash(line)
		must("edge", err)
		e.hashes = append(e.hashes, h)
	}
	if len(e.hashes) != bits.OnesCount64(uint64(a.First)) {
		reject("the edge has %d hashes", len(e.hashes))
	}
	entries := m["entries"]
	if a.Thin {
		if len(args) < 3 {
			reject("the evidence is thin: name the log's folder")
		}
		source, thin := &folder{args[2], map[string][]byte{}}, new(bytes.Buffer)
		for n := a.First / 256; n*256 < a.Size; n++ {
			for _, b := range source.entries(a.Size, n) {
				binary.Write(thin, binary.BigEndian, uint16(len(b)))
				thin.Write(b)
			}
		}
		entries = thin.Bytes()
	}
	judge(a, now, e, entries, sha256.Sum256(m["signing-input"]), t, k.LoggedFrom)
}

func judge(a about, now head, e edge, entries []byte, hash [32]byte, t times, from int64) {
	found, firstIat := int64(-1), int64(0)
	for len(entries) > 0 {
		if len(entries) < 2 || len(entries)-2 < int(binary.BigEndian.Uint16(entries)) {
			reject("the entries end early")
		}
		l := 2 + int(binary.BigEndian.Uint16(entries))
		p := parse(entries[2:l])
		if e.size == a.First {
			firstIat = p.iat
		}
		if bytes.Equal(p.hash, hash[:]) && found < 0 {
			found = e.size
		}
		e.add(tlog.RecordHash(entries[2:l]))
		entries = entries[l:]
	}
	if e.size != now.tree.N || e.root() != now.tree.Hash {
		reject("the entries do not give the head's root")
	}
	verdict := "absent"
	if found >= 0 {
		verdict = fmt.Sprintf("present at %d", found)
	} else if int64(now.time)-t.Iat < 2 || t.Iat < from || (a.First == 0 && e.size > 0 && t.Iat < firstIat) ||
		(a.First > 0 && (e.size == a.First || t.Iat-firstIat < 300)) {
		reject("absent, but its entry need not be among those here")
	}
	if strings.Fields(verdict)[0] != a.Claim {
		reject("the file claims %s, but it is %s", a.Claim, verdict)
	}
	fmt.Printf("ACCEPT: %s, entries %d to %d, head of %d\n", verdict, a.First, now.tree.N, now.time)
}
