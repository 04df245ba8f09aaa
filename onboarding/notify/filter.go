package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// The types of notifications (SOL005, clauses 9.5.2.8 and 9.5.2.9).
const (
	OnboardingNotification = "VnfPackageOnboardingNotification"
	ChangeNotification     = "VnfPackageChangeNotification"
)

// Filter says which notifications a subscriber wants: those that match every
// attribute that is there, and of an attribute with several values at least one
// (PkgmNotificationsFilter: SOL003, clause 10.5.3.2; SOL005, clause 9.5.3.4).
type Filter struct {
	Types    values  `json:"notificationTypes,omitempty"`
	Products vendors `json:"vnfProductsFromProviders,omitempty"`
	VNFDs    values  `json:"vnfdId,omitempty"`
	Packages values  `json:"vnfPkgId,omitempty"`
	States   values  `json:"operationalState,omitempty"`
	Usages   values  `json:"usageState,omitempty"`
}

type vendors []vendor

type vendor struct {
	Provider string    `json:"vnfProvider"`
	Products []product `json:"vnfProducts,omitempty"`
}

type product struct {
	Name     string    `json:"vnfProductName"`
	Versions []version `json:"versions,omitempty"`
}

type version struct {
	Software string `json:"vnfSoftwareVersion"`
	VNFDs    values `json:"vnfdVersions,omitempty"`
}

// values is a list of texts; a text alone is a list of one, as the schemas of some
// editions have it.
type values []string

// UnmarshalJSON implements [json.Unmarshaler].
func (v *values) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte(`"`)) {
		*v = values{""}
		return json.Unmarshal(text, &(*v)[0])
	}
	return json.Unmarshal(text, (*[]string)(v))
}

// matches reports whether nothing is asked for, or one of the values.
func (v values) matches(value string) bool { return len(v) == 0 || slices.Contains(v, value) }

// ParseFilter reads a filter. An empty text, and null, is one that lets everything
// pass. Errors are of type [*InvalidError].
func ParseFilter(text json.RawMessage) (Filter, error) {
	var f Filter
	if len(text) == 0 {
		return f, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields() // a filter that is not understood would let too much pass
	if err := d.Decode(&f); err != nil {
		return f, &InvalidError{Attribute: "filter", Reason: err.Error()}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return f, &InvalidError{Attribute: "filter", Reason: "expected one object"}
	}
	for _, list := range []struct {
		name    string
		values  values
		allowed []string
	}{
		{"notificationTypes", f.Types, []string{OnboardingNotification, ChangeNotification}},
		{"operationalState", f.States, []string{string(vnfpkg.Enabled), string(vnfpkg.Disabled)}},
		{"usageState", f.Usages, []string{inUse, notInUse}},
	} {
		for _, v := range list.values {
			if !slices.Contains(list.allowed, v) {
				return f, &InvalidError{Attribute: "filter/" + list.name, Reason: "unknown value " + v}
			}
		}
	}
	return f, nil
}

// The usage states of a package (SOL005, clause 9.5.4.5).
const (
	inUse    = "IN_USE"
	notInUse = "NOT_IN_USE"
)

// key is the same for filters that mean the same but for the order and repetition
// of values.
func (f Filter) key() string {
	for _, list := range []*values{&f.Types, &f.VNFDs, &f.Packages, &f.States, &f.Usages} {
		*list = slices.Compact(slices.Sorted(slices.Values(*list)))
	}
	text, err := json.Marshal(f)
	if err != nil {
		panic(err) // texts and lists of them
	}
	return string(text)
}

// Matches reports whether a subscriber wants to be told of an event.
func (f Filter) Matches(e vnfpkg.Event) bool {
	usage := notInUse
	if e.InUse {
		usage = inUse
	}
	return f.Types.matches(typeOf(e)) && f.VNFDs.matches(descriptorOf(e)) && f.Packages.matches(e.Package) &&
		f.States.matches(string(e.Operational)) && f.Usages.matches(usage) && f.Products.match(e)
}

func (v vendors) match(e vnfpkg.Event) bool {
	return len(v) == 0 || slices.ContainsFunc(v, func(v vendor) bool {
		return v.Provider == e.Vendor && (len(v.Products) == 0 ||
			slices.ContainsFunc(v.Products, func(p product) bool { return p.matches(e) }))
	})
}

func (p product) matches(e vnfpkg.Event) bool {
	return p.Name == e.Name && (len(p.Versions) == 0 || slices.ContainsFunc(p.Versions, func(v version) bool {
		return v.Software == softwareVersionOf(e) && v.VNFDs.matches(e.Version)
	}))
}
