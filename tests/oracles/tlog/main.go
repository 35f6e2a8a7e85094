// Command tlog reads our logs with Go's own transparency log (golang.org/x/mod/sumdb/note and tlog), which knows
// nothing of ours: checkpoints, tiles, entries, proofs of inclusion and of consistency.
//
//	tlog VKEY FOLDER...
//
// Of every folder it reads what C2SP tlog-tiles asks for, and proofs/*.tlog-proof and requests/N (the request of C2SP
// tlog-witness) with the checkpoint of that size in old/N. It says what it has checked, or what it refuses (exit 1).
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8
const width = 1 << height

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: tlog VKEY FOLDER...")
		os.Exit(2)
	}
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, folder := range os.Args[2:] {
		said, err := check(folder, note.VerifierList(verifier))
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", folder, err)
			os.Exit(1)
		}
		fmt.Println(said)
	}
}

// head opens a checkpoint: origin, size, root.
func head(text []byte, verifiers note.Verifiers) (tlog.Tree, error) {
	opened, err := note.Open(text, verifiers)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
	}
	lines := strings.SplitN(opened.Text, "\n", 4)
	if len(lines) != 4 || lines[0] != opened.Sigs[0].Name {
		return tlog.Tree{}, fmt.Errorf("checkpoint: the text is %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// tiles reads the tiles of a folder. Go puts the height into a path, C2SP does not.
type tiles struct{ folder string }

func (t tiles) Height() int                     { return height }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
		data, err := os.ReadFile(filepath.Join(t.folder, filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		found[i] = data
	}
	return found, nil
}

// entries reads all entries of a log of a size. Their paths are those of tiles of level 0.
func entries(folder string, size int64) ([][]byte, error) {
	var all [][]byte
	for n := int64(0); n*width < size; n++ {
		w := size - n*width
		if w > width {
			w = width
		}
		path := tlog.Tile{H: height, L: 0, N: n, W: int(w)}.Path()
		path = strings.Replace(path, fmt.Sprintf("tile/%d/0/", height), "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		for len(data) > 0 {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("%s is cut short", path)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:end])
			data = data[end:]
		}
	}
	if int64(len(all)) != size {
		return nil, fmt.Errorf("%d entries, and %d are signed", len(all), size)
	}
	return all, nil
}

func check(folder string, verifiers note.Verifiers) (string, error) {
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return "", err
	}
	tree, err := head(text, verifiers)
	if err != nil {
		return "", err
	}
	reader := tlog.TileHashReader(tree, tiles{folder})
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return "", fmt.Errorf("tiles: %w", err)
	}
	if root != tree.Hash {
		return "", fmt.Errorf("tiles: their root is %v, signed is %v", root, tree.Hash)
	}
	all, err := entries(folder, tree.N)
	if err != nil {
		return "", fmt.Errorf("entries: %w", err)
	}
	if err := rebuilt(folder, tree, all); err != nil {
		return "", err
	}
	inclusions, err := inclusion(folder, verifiers, tree, all, reader)
	if err != nil {
		return "", err
	}
	consistencies, err := consistency(folder, verifiers, tree, reader)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("size %d: %d entries, %d inclusion and %d consistency proofs",
		tree.N, len(all), inclusions, consistencies), nil
}

// rebuilt makes the tree anew from the entries and compares the root and every tile. The tile reader alone is not
// enough: it does not look at every tile that it hands out.
func rebuilt(folder string, tree tlog.Tree, all [][]byte) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for i, entry := range all {
		more, err := tlog.StoredHashes(int64(i), entry, reader)
		if err != nil {
			return fmt.Errorf("entries: %w", err)
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return fmt.Errorf("entries: %w", err)
	}
	if root != tree.Hash {
		return fmt.Errorf("entries: their root is %v, signed is %v", root, tree.Hash)
	}
	for _, tile := range needed(tree.N) {
		due, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			return fmt.Errorf("%s: %w", tile.Path(), err)
		}
		found, err := tiles{folder}.ReadTiles([]tlog.Tile{tile})
		if err != nil {
			return err
		}
		if !bytes.Equal(due, found[0]) {
			return fmt.Errorf("tiles: %s is not the tile of the entries", tile.Path())
		}
	}
	return nil
}

// needed lists the tiles of a log of a size, by level.
func needed(size int64) []tlog.Tile {
	var found []tlog.Tile
	for level, nodes := 0, size; nodes > 0; level, nodes = level+1, nodes/width {
		for n := int64(0); n*width < nodes; n++ {
			w := nodes - n*width
			if w > width {
				w = width
			}
			found = append(found, tlog.Tile{H: height, L: level, N: n, W: int(w)})
		}
	}
	return found
}

func inclusion(folder string, verifiers note.Verifiers, tree tlog.Tree, all [][]byte, r tlog.HashReader) (int, error) {
	paths, _ := filepath.Glob(filepath.Join(folder, "proofs", "*.tlog-proof"))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		lines, after, found := bytes.Cut(text, []byte("\n\n"))
		said := strings.Split(string(lines), "\n")
		if !found || len(said) < 3 || said[0] != "c2sp.org/tlog-proof@v1" {
			return 0, fmt.Errorf("%s: no tlog-proof", path)
		}
		other, err := head(after, verifiers)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		body, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(said[1], "extra "))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		index, err := strconv.ParseInt(strings.TrimPrefix(said[2], "index "), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		proof, err := hashes(said[3:])
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		if err := tlog.CheckRecord(proof, other.N, other.Hash, index, tlog.RecordHash(body)); err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		if other != tree {
			continue
		}
		if !bytes.Equal(body, all[index]) {
			return 0, fmt.Errorf("%s: brings another event", path)
		}
		own, err := tlog.ProveRecord(tree.N, index, r)
		if err != nil || !same(own, proof) {
			return 0, fmt.Errorf("%s: is not the proof that Go makes (%v)", path, err)
		}
	}
	return len(paths), nil
}

func consistency(folder string, verifiers note.Verifiers, tree tlog.Tree, r tlog.HashReader) (int, error) {
	paths, _ := filepath.Glob(filepath.Join(folder, "requests", "*"))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		lines, after, _ := bytes.Cut(text, []byte("\n\n"))
		said := strings.Split(string(lines), "\n")
		size, err := strconv.ParseInt(strings.TrimPrefix(said[0], "old "), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		proof, err := hashes(said[1:])
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		next, err := head(after, verifiers)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		text, err = os.ReadFile(filepath.Join(folder, "old", filepath.Base(path)))
		if err != nil {
			return 0, err
		}
		old, err := head(text, verifiers)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		if old.N != size {
			return 0, fmt.Errorf("%s: is about size %d", path, size)
		}
		if err := tlog.CheckTree(tlog.TreeProof(proof), next.N, next.Hash, old.N, old.Hash); err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		if next != tree {
			continue
		}
		own, err := tlog.ProveTree(tree.N, old.N, r)
		if err != nil || !same(tlog.RecordProof(own), proof) {
			return 0, fmt.Errorf("%s: is not the proof that Go makes (%v)", path, err)
		}
	}
	return len(paths), nil
}

func hashes(lines []string) (tlog.RecordProof, error) {
	var proof tlog.RecordProof
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		proof = append(proof, hash)
	}
	return proof, nil
}

func same(a, b tlog.RecordProof) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
