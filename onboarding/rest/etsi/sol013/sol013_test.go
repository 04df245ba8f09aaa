package sol013_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/rest/etsi/sol013"
	"github.com/google/go-cmp/cmp"
)

// crate is a type with every kind of attribute.
type crate struct {
	ID       string         `json:"id"`
	Weight   int64          `json:"weight"`
	Fragile  bool           `json:"fragile"`
	PackedAt time.Time      `json:"packedAt"`
	Label    *label         `json:"label,omitempty"`
	Parts    []part         `json:"parts,omitempty"`
	Tags     []string       `json:"tags,omitempty"`
	Extra    map[string]any `json:"extra,omitempty"`
}

type label struct {
	Text  string `json:"text"`
	Color string `json:"color,omitempty"`
}

type part struct {
	ID     int64          `json:"id"`
	Color  string         `json:"color,omitempty"`
	Note   string         `json:"note,omitempty"`
	Label  *label         `json:"label,omitempty"`
	Traits map[string]any `json:"traits,omitempty"`
}

func crates() []crate {
	day := func(d int) time.Time { return time.Date(2026, 3, d, 12, 0, 0, 0, time.UTC) }
	return []crate{
		{ID: "one", Weight: 100, Fragile: true, PackedAt: day(1), Tags: []string{"north", "cold"},
			Label: &label{Text: "it's, (here)"},
			Parts: []part{{ID: 1, Color: "red", Traits: map[string]any{"a/b": "x"}}, {ID: 2, Color: "green"}},
			Extra: map[string]any{"owner": "ops", "level": 7, "deep": map[string]any{"er": true}}},
		{ID: "two", Weight: 1<<53 + 1, PackedAt: day(2),
			Parts: []part{{ID: 3, Color: "green"}, {ID: 4, Color: "blue"}}},
		{ID: "three", Weight: 1 << 53, PackedAt: day(3).In(time.FixedZone("", 3600))},
	}
}

func crateType() *sol013.Type { return sol013.TypeOf(reflect.TypeFor[crate](), "parts", "extra") }

// decoded is what a client sees of a resource.
func decoded(t testing.TB, v any) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(encoded))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFilters(t *testing.T) {
	all := "one two three"
	tests := []struct{ query, want string }{
		{"", all},
		{"filter=(eq,id,one)", "one"},
		{"filter=(neq,id,one)", "two three"},
		{"filter=(in,id,one,three,five)", "one three"},
		{"filter=(nin,id,one,three)", "two"},
		{"filter=(cont,id,ne,wo)", "one two"},
		{"filter=(ncont,id,ne,wo)", "three"},
		{"filter=(gt,weight,100)", "two three"},
		{"filter=(gte,weight,100)", all},
		{"filter=(gt,weight,9007199254740992)", "two"},
		{"filter=(lt,weight,9007199254740993)", "one three"},
		{"filter=(lte,weight,1e2)", "one"},
		{"filter=(eq,weight,100.0)", "one"},
		{"filter=(gt,id,two)", ""},
		{"filter=(lt,id,p)", "one"},
		{"filter=(eq,fragile,true)", "one"},
		{"filter=(in,fragile,false)", "two three"},
		{"filter=(eq,packedAt,2026-03-03T12:00:00Z)", "three"},
		{"filter=(gte,packedAt,2026-03-02T13:00:00%2B01:00)", "two three"},
		{"filter=(gte,packedAt,2026-03-02T12:00:00Z);(eq,fragile,false);(neq,id,two)", "three"},
		{"filter=(eq,fragile,false)&filter=(neq,id,two)", "three"},
		{"filter=(eq,tags,cold)", "one"},
		{"filter=(cont,tags,ort)", "one"},
		{"filter=(neq,tags,cold)", all},
		{"filter=(nin,tags,cold,north)", "two three"},
		{"filter=(eq,parts/color,green)", "one two"},
		{"filter=(eq,parts/color,green);(eq,parts/id,2)", "one"},
		{"filter=(eq,parts/color,red);(eq,parts/id,2)", ""},
		{"filter=(eq,parts/color,green);(gt,weight,100)", "two"},
		{"filter=(neq,parts/color,blue)", all},
		{"filter=(ncont,parts/note,x)", all},
		{"filter=(eq,label/text,'it''s, (here)')", "one"},
		{"filter=(eq,label/text,%27it%27%27s%2C+%28here%29%27)", "one"},
		{"filter=(in,label/text,'a','it''s, (here)',b)", "one"},
		{"filter=(neq,label/text,x)", all},
		{"filter=(eq,label/text,)", ""},
		{"filter=(eq,extra/owner,ops)", "one"},
		{"filter=(eq,extra/level,7)", "one"},
		{"filter=(gt,extra/level,10)", ""},
		{"filter=(eq,extra/deep/er,true)", "one"},
		{"filter=(eq,extra/deep,true)", ""},
		{"filter=(eq,extra/@key,level)", "one"},
		{"filter=(neq,extra/@key,level)", all},
		{"filter=(cont,extra/owner,p)", "one"},
		{"filter=(cont,extra/level,7)", ""},
		{"filter=(eq,parts/traits/a~1b,x)", "one"},
		{"id=one", "one"},
		{"id.neq=one", "two three"},
		{"id=one,two", "one two"},
		{"id.neq=one,two", "three"},
		{"parts.color.eq=green&weight.gt=100", "two"},
		{"parts/color=red", "one"},
		{"filter=(eq,id,one)&all_fields&", "one"},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			q, err := crateType().Parse(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range crates() {
				if q.Matches(decoded(t, c)) {
					got = append(got, c.ID)
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("resources (-want +got):\n%s", diff)
			}
		})
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	tests := []struct{ query, parameter string }{
		{"filter=(eq,colour,red)", "filter"},
		{"filter=(eq,parts/colour,red)", "filter"},
		{"filter=(eq,id/x,red)", "filter"},
		{"filter=(eq,parts,red)", "filter"},
		{"filter=(eq,label,red)", "filter"},
		{"filter=(eq,extra,red)", "filter"},
		{"filter=(eq,parts/traits,red)", "filter"},
		{"filter=(eq,,red)", "filter"},
		{"filter=(is,id,one)", "filter"},
		{"filter=(EQ,id,one)", "filter"},
		{"filter=(eq,id,one,two)", "filter"},
		{"filter=(eq,id)", "filter"},
		{"filter=(eq)", "filter"},
		{"filter=()", "filter"},
		{"filter=", "filter"},
		{"filter", "filter"},
		{"filter=eq,id,one", "filter"},
		{"filter=(eq,id,one", "filter"},
		{"filter=(eq,id,one)(eq,id,two)", "filter"},
		{"filter=(eq,id,one);", "filter"},
		{"filter=(eq,id,one),(eq,id,two)", "filter"},
		{"filter=(eq,id,'one)", "filter"},
		{"filter=(eq,id,'one'x)", "filter"},
		{"filter=(eq,id,o'ne)", "filter"},
		{"filter=(eq,weight,heavy)", "filter"},
		{"filter=(cont,weight,1)", "filter"},
		{"filter=(eq,fragile,maybe)", "filter"},
		{"filter=(gt,fragile,true)", "filter"},
		{"filter=(lt,packedAt,yesterday)", "filter"},
		{"filter=(eq,id,%zz)", "filter"},
		{"filter=" + strings.Repeat("(eq,id,one);", 100) + "(eq,id,one)", "filter"},
		{"colour=red", "colour"},
		{"parts.colour.eq=red", "parts.colour.eq"},
		{"weight=heavy", "weight"},
		{"id", "id"},
		{".eq=1", ".eq"},
		{"fields=colour", "fields"},
		{"fields=", "fields"},
		{"exclude_fields=parts,colour", "exclude_fields"},
		{"all_fields&fields=parts", "all_fields, fields, exclude_fields, exclude_default"},
		{"all_fields&exclude_default", "all_fields, fields, exclude_fields, exclude_default"},
		{"exclude_fields=parts&exclude_default", "all_fields, fields, exclude_fields, exclude_default"},
		{"fields=parts&exclude_fields=extra", "all_fields, fields, exclude_fields, exclude_default"},
		{"nextpage_opaque_marker=x", "nextpage_opaque_marker"},
		{"nextpage_opaque_marker=e30", "nextpage_opaque_marker"}, // {}
		{"nextpage_opaque_marker=%20", "nextpage_opaque_marker"},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			_, err := crateType().Parse(tt.query)
			var refused *sol013.Error
			if !errors.As(err, &refused) {
				t.Fatalf("got %v, want a *sol013.Error", err)
			}
			if refused.Parameter != tt.parameter || refused.Reason == "" {
				t.Errorf("got %q for parameter %q, want %q", refused.Reason, refused.Parameter, tt.parameter)
			}
		})
	}
}

func TestSelectors(t *testing.T) {
	const simple = `"fragile":true,"id":"one","label":{"text":"it's, (here)"},"packedAt":"2026-03-01T12:00:00Z","tags":["north","cold"],"weight":100`
	const extra = `"extra":{"deep":{"er":true},"level":7,"owner":"ops"},`
	const parts = `,"parts":[{"color":"red","id":1,"traits":{"a/b":"x"}},{"color":"green","id":2}],`
	with := func(before, parts string) string {
		head, tail, _ := strings.Cut(simple, `,"tags"`)
		if parts == "" {
			parts = ","
		}
		return "{" + before + head + parts + `"tags"` + tail + "}"
	}
	tests := []struct{ query, want string }{
		{"", with("", "")},
		{"exclude_default", with("", "")},
		{"exclude_default=", with("", "")},
		{"all_fields", with(extra, parts)},
		{"fields=parts", with("", parts)},
		{"fields=parts,extra", with(extra, parts)},
		{"fields=parts&fields=extra&exclude_default", with(extra, parts)},
		{"fields=tags", with("", "")},
		{"fields=parts/color", with("", `,"parts":[{"color":"red","id":1},{"color":"green","id":2}],`)},
		{"fields=parts/color,parts", with("", parts)},
		{"fields=parts,parts/color", with("", parts)},
		{"fields=parts/note", with("", `,"parts":[{"id":1},{"id":2}],`)},
		{"fields=extra/owner", with(`"extra":{"owner":"ops"},`, "")},
		{"exclude_fields=parts", with(extra, "")},
		{"exclude_fields=parts,extra", with("", "")},
		{"exclude_fields=parts/color,extra/deep", with(`"extra":{"level":7,"owner":"ops"},`, `,"parts":[{"id":1,"traits":{"a/b":"x"}},{"id":2}],`)},
		{"exclude_fields=id,weight", with(extra, parts)},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			q, err := crateType().Parse(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			resource := decoded(t, crates()[0])
			q.Select(resource)
			got, err := json.Marshal(resource)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("resource (-want +got):\n%s", diff)
			}
			for _, name := range []string{"parts", "extra", "label"} {
				if _, there := resource[name]; there != q.Needs(name) {
					t.Errorf("Needs(%q) = %t", name, q.Needs(name))
				}
			}
		})
	}
}

func TestWhatAFilterLooksAtIsNeeded(t *testing.T) {
	for query, want := range map[string]bool{
		"filter=(eq,parts/color,red)": true, "filter=(eq,parts/label/text,x)&exclude_fields=parts": true,
		"filter=(eq,id,one)": false, "filter=(eq,extra/@key,x)": false, "exclude_fields=parts": false,
	} {
		q, err := crateType().Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Needs("parts"); got != want {
			t.Errorf("%s needs parts: %t", query, got)
		}
	}
}

func TestTheNextPageIsAskedTheSame(t *testing.T) {
	const first = "filter=(eq,parts/color,green);(neq,id,x%26y)&all_fields"
	q, err := crateType().Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	if q.After != "" {
		t.Errorf("the first page comes after %q", q.After)
	}
	for _, after := range []string{"one", "two/&=é"} {
		if q, err = crateType().Parse(q.Next(after)); err != nil {
			t.Fatal(err)
		}
		if q.After != after {
			t.Errorf("got a page after %q, want %q", q.After, after)
		}
		var matching []string
		for _, c := range crates() {
			resource := decoded(t, c)
			if q.Matches(resource) {
				matching = append(matching, c.ID)
			}
			q.Select(resource)
			if _, there := resource["parts"]; there != (c.Parts != nil) {
				t.Errorf("parts of %s are there: %t", c.ID, there)
			}
		}
		if diff := cmp.Diff([]string{"one", "two"}, matching); diff != "" {
			t.Errorf("resources (-want +got):\n%s", diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "filter=(eq,id,one)", "filter=(in,parts/color,'a''b',c);(gt,weight,5)&all_fields", "fields=parts/color,extra",
		"exclude_fields=parts&filter=(eq,extra/@key,x)", "parts.color.neq=red,blue", "nextpage_opaque_marker=eyJxIjoiIiwiYSI6IngifQ",
		"filter=(eq,id,~0~1~a~b);", "&&=&;=%", "filter=(eq,packedAt,2026-03-03T12:00:00Z)",
	} {
		f.Add(seed)
	}
	kind := crateType()
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := kind.Parse(raw)
		if err != nil {
			var refused *sol013.Error
			if !errors.As(err, &refused) {
				t.Fatalf("got %v, want a *sol013.Error", err)
			}
			return
		}
		next, err := kind.Parse(q.Next("here"))
		if err != nil || next.After != "here" {
			t.Fatalf("the next page of %q: %v", raw, err)
		}
		for _, c := range crates() {
			one, other := decoded(t, c), decoded(t, c)
			if q.Matches(one) != next.Matches(other) {
				t.Fatalf("%q: pages disagree about %s", raw, c.ID)
			}
			q.Select(one)
			next.Select(other)
			if diff := cmp.Diff(one, other); diff != "" {
				t.Fatalf("%q: pages show differently:\n%s", raw, diff)
			}
			for _, name := range []string{"id", "weight", "fragile", "packedAt"} {
				if one[name] == nil {
					t.Fatalf("%q takes %s away", raw, name)
				}
			}
		}
	})
}

func FuzzValuesSurviveQuoting(f *testing.F) {
	for _, seed := range []string{"", "'", "a,b);(c", "''", "é%&=+;"} {
		f.Add(seed)
	}
	kind := crateType()
	f.Fuzz(func(t *testing.T, value string) {
		filter := "(eq,label/text,'" + strings.ReplaceAll(value, "'", "''") + "')"
		q, err := kind.Parse("filter=" + url.QueryEscape(filter))
		if err != nil {
			t.Fatal(err)
		}
		if !q.Matches(map[string]any{"label": map[string]any{"text": value}}) {
			t.Errorf("a filter for %q does not match it", value)
		}
		if q.Matches(map[string]any{"label": map[string]any{"text": value + "."}}) {
			t.Errorf("a filter for %q matches more", value)
		}
	})
}
