package tosca

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	// maxNodes bounds the values of one package's documents. The largest
	// type library seen in the wild has some 60,000.
	maxNodes = 2_000_000
	maxDepth = 500
)

var (
	errTooComplex = errors.New("too many values")
	errTooDeep    = errors.New("nested too deeply")

	errContainsItself = errors.New("a value contains itself")
)

// utf8BOM precedes documents written by some Windows editors.
var utf8BOM = []byte("\xef\xbb\xbf")

// document reads a YAML file that must be a map, and reports what is wrong
// with it under code.
func (r *reader) document(file string, code Code) node {
	data, ok := r.read(file)
	if !ok {
		return node{file: file}
	}
	before := len(r.findings)
	root := r.parseYAML(file, data, code)
	if !root.isMap() && len(r.findings) == before {
		r.err(code, root.place(), "the document is not a map")
	}
	return root
}

// parseYAML parses a document. It returns the absent value for one that is
// empty or, with a finding, not well-formed.
func (r *reader) parseYAML(file string, data []byte, code Code) node {
	var doc yaml.Node
	if err := yaml.Unmarshal(bytes.TrimPrefix(data, utf8BOM), &doc); err != nil {
		line, text := yamlError(err)
		r.err(code, Place{File: file, Line: line}, "not well-formed YAML: %s", text)
		return node{file: file}
	}
	if len(doc.Content) == 0 {
		return node{file: file}
	}
	root := node{file: file}
	root = root.at(doc.Content[0])
	return r.inspect(root, code)
}

func (r *reader) parseJSON(file string, data []byte, code Code) node {
	data = bytes.TrimPrefix(data, utf8BOM)
	p := jsonParser{data: data, line: 1, dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	root, err := p.document()
	if err != nil {
		line, column := p.position(p.token)
		r.err(code, Place{File: file, Line: line, Column: column}, "not well-formed JSON: %s", err)
		return node{file: file}
	}
	return r.inspect(node{root, file}, code)
}

// strictKeys makes an error of the warning about a key that stands twice, in a
// map where the one or the other would be another image.
func (r *reader) strictKeys(n node) {
	for k := range n.fields() {
		r.strictKey(k)
	}
}

// strictKey does the same for one key.
func (r *reader) strictKey(k node) {
	if f := r.twice[k.place()]; f > 0 {
		r.findings[f-1].Severity = Error
	}
}

// inspect walks a document once: it counts its values, reports keys that stand
// twice, and puts the entries of merge keys (<<) in their place. It returns the
// document, or the absent value for one that is not usable.
func (r *reader) inspect(root node, code Code) node {
	i := inspection{reader: r, code: code, lenient: code == CodeDescriptorMalformed, sizes: map[*yaml.Node]int{}}
	if _, err := i.walk(root, 0); err != nil {
		r.err(code, root.place(), "the document is not usable: %s", err)
		return node{file: root.file}
	}
	return root
}

// inspection is the state of one walk.
type inspection struct {
	*reader
	code    Code
	lenient bool // a key that stands twice is a warning
	// sizes are the numbers of values in what anchors name. Aliases are not
	// expanded, but whoever iterates over them pays for it: what they expand
	// to counts too. An anchor without a size is still open, and an alias to
	// it would never end.
	sizes map[*yaml.Node]int
}

// walk returns the number of values in n with its aliases expanded.
func (i *inspection) walk(n node, depth int) (int, error) {
	if i.nodes++; i.nodes > maxNodes {
		return 0, errTooComplex
	}
	if depth > maxDepth {
		return 0, errTooDeep
	}
	if n.Kind == yaml.AliasNode {
		size, closed := i.sizes[n.Alias]
		if !closed {
			return 0, errContainsItself
		}
		return size, nil
	}
	size := 1
	for _, c := range n.Content {
		inner, err := i.walk(node{c, n.file}, depth+1)
		if err != nil {
			return 0, err
		}
		size += inner
	}
	if n.Kind == yaml.MappingNode {
		i.keys(n)
	}
	if size > maxNodes {
		return 0, errTooComplex
	}
	if n.Anchor != "" {
		i.sizes[n.Node] = size
	}
	return size, nil
}

// keys inspects the keys of a map.
func (i *inspection) keys(n node) {
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	var merges []node
	for j := 0; j+1 < len(n.Content); j += 2 {
		k := n.Content[j]
		switch {
		case k.Kind == yaml.AliasNode:
		case k.Kind != yaml.ScalarNode:
			i.err(i.code, n.at(k).place(), "a map's key is not a plain word")
		case k.Tag == "!!merge":
			merges = append(merges, n.at(n.Content[j+1]))
		case seen[k.Value] != nil:
			// Templates in the wild repeat keys that do not matter to us; the
			// readers of images are strict about their own (see strictKeys).
			report := i.err
			if i.lenient {
				report = i.warn
			}
			report(CodeDuplicateKey, n.at(k).place(), "key %q stands twice in one map", clip(k.Value)).
				found("first on line %d", seen[k.Value].Line)
			i.twice[n.at(k).place()] = len(i.findings)
		default:
			seen[k.Value] = k
		}
	}
	for _, target := range merges {
		merge(n, target, seen)
	}
}

// merge appends the entries of a merge key's target, a map or a list of maps.
// Targets stand earlier in the document and so have their own merges done. The
// values count by the alias that names the target.
func merge(n, target node, seen map[string]*yaml.Node) {
	for _, t := range append(target.items(), target) {
		for k, v := range t.fields() {
			if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" || seen[k.Value] != nil {
				continue
			}
			seen[k.Value] = k.Node
			n.Content = append(n.Content, k.Node, v.Node)
		}
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// yamlError takes the line out of an error of yaml.v3, which has no type for it.
func yamlError(err error) (line int, text string) {
	text = strings.ReplaceAll(err.Error(), "\n", " ")
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	return line, clip(text)
}

// jsonParser builds the same nodes from JSON as YAML gives, so that findings
// in a JSON VNFD have their line and column too. YAML's own parser would take
// most JSON, but neither its escapes nor all of its white space.
type jsonParser struct {
	data   []byte
	dec    *json.Decoder
	token  int64 // where the last token starts
	offset int64 // up to where line and start are known
	line   int
	start  int64 // offset of the line's first byte
}

func (p *jsonParser) document() (*yaml.Node, error) {
	root, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := p.next(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the document's end")
	}
	return root, nil
}

func (p *jsonParser) value(depth int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	token, err := p.next()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch t := token.(type) {
	case json.Delim:
		n.Kind = yaml.SequenceNode
		if t == '{' {
			n.Kind = yaml.MappingNode
		}
	case string:
		n.Value, n.Tag = t, "!!str"
	case json.Number:
		n.Value, n.Tag = t.String(), "!!float"
	case bool:
		n.Value, n.Tag = strconv.FormatBool(t), "!!bool"
	case nil:
		n.Value, n.Tag = "null", "!!null"
	}
	n.Line, n.Column = p.position(p.token)
	if n.Kind == yaml.ScalarNode {
		return n, nil
	}
	for p.dec.More() {
		child, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, child)
	}
	if _, err := p.next(); err != nil {
		return nil, err
	}
	return n, nil
}

// next reads a token and notes where it starts, or should have.
func (p *jsonParser) next() (json.Token, error) {
	p.token = p.dec.InputOffset()
	for p.token < int64(len(p.data)) && strings.IndexByte(" \t\r\n,:", p.data[p.token]) >= 0 {
		p.token++
	}
	return p.dec.Token()
}

// position returns the line and column of an offset, both from 1. Offsets must
// not decrease from call to call.
func (p *jsonParser) position(offset int64) (line, column int) {
	offset = min(offset, int64(len(p.data)))
	for ; p.offset < offset; p.offset++ {
		if p.data[p.offset] == '\n' {
			p.line++
			p.start = p.offset + 1
		}
	}
	return p.line, int(max(offset-p.start, 0)) + 1
}

// clip shortens a text from a package for a message and makes it printable.
func clip(s string) string {
	const most = 120
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if runes := []rune(s); len(runes) > most {
		return fmt.Sprintf("%s…", string(runes[:most]))
	}
	return s
}
