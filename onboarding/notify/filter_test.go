package notify_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/notify"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func TestFilters(t *testing.T) {
	change := func(f func(*vnfpkg.Event)) vnfpkg.Event {
		e := onboarded("a")
		f(&e)
		return e
	}
	disabled := change(func(e *vnfpkg.Event) { e.Type, e.Operational = vnfpkg.EventOperational, vnfpkg.Disabled })
	tests := []struct {
		filter string
		event  vnfpkg.Event
		want   bool
	}{
		{``, onboarded("a"), true},
		{`null`, onboarded("a"), true},
		{`{}`, onboarded("a"), true},
		{`{"notificationTypes": ["VnfPackageOnboardingNotification"]}`, onboarded("a"), true},
		{`{"notificationTypes": ["VnfPackageOnboardingNotification"]}`, disabled, false},
		{`{"notificationTypes": "VnfPackageChangeNotification"}`, disabled, true},
		{`{"notificationTypes": ["VnfPackageChangeNotification", "VnfPackageOnboardingNotification"]}`, disabled, true},
		{`{"vnfdId": ["x", "vnfd-a"]}`, onboarded("a"), true},
		{`{"vnfdId": ["x"]}`, onboarded("a"), false},
		{`{"vnfdId": ["a"]}`, change(func(e *vnfpkg.Event) { e.DescriptorID = "" }), true},
		{`{"vnfPkgId": ["a"]}`, onboarded("a"), true},
		{`{"vnfPkgId": ["b"]}`, onboarded("a"), false},
		{`{"operationalState": ["DISABLED"]}`, disabled, true},
		{`{"operationalState": ["ENABLED"]}`, disabled, false},
		{`{"usageState": ["NOT_IN_USE"]}`, disabled, true},
		{`{"usageState": ["IN_USE"]}`, disabled, false},
		{`{"usageState": ["IN_USE"]}`, change(func(e *vnfpkg.Event) { e.InUse = true }), true},
		{`{"vnfPkgId": ["a"], "operationalState": ["DISABLED"]}`, onboarded("a"), false},
		{`{"vnfProductsFromProviders": []}`, onboarded("a"), true},
		{`{"vnfProductsFromProviders": [{"vnfProvider": "Else"}, {"vnfProvider": "Acme"}]}`, onboarded("a"), true},
		{`{"vnfProductsFromProviders": [{"vnfProvider": "Else"}]}`, onboarded("a"), false},
		{`{"vnfProductsFromProviders": [{"vnfProvider": "Acme", "vnfProducts": [{"vnfProductName": "Router"}]}]}`, onboarded("a"), true},
		{`{"vnfProductsFromProviders": [{"vnfProvider": "Acme", "vnfProducts": [{"vnfProductName": "Switch"}]}]}`, onboarded("a"), false},
		{`{"vnfProductsFromProviders": [{"vnfProvider": "Else", "vnfProducts": [{"vnfProductName": "Router"}]}]}`, onboarded("a"), false},
		{`{"vnfProductsFromProviders": [{"vnfProvider": "Acme", "vnfProducts": [{"vnfProductName": "Router",
			"versions": [{"vnfSoftwareVersion": "0.9"}, {"vnfSoftwareVersion": "1.0"}]}]}]}`, onboarded("a"), true},
		{`{"vnfProductsFromProviders": [{"vnfProvider": "Acme", "vnfProducts": [{"vnfProductName": "Router",
			"versions": [{"vnfSoftwareVersion": "1.0", "vnfdVersions": ["1.9", "2.0"]}]}]}]}`, onboarded("a"), true},
		{`{"vnfProductsFromProviders": [{"vnfProvider": "Acme", "vnfProducts": [{"vnfProductName": "Router",
			"versions": [{"vnfSoftwareVersion": "1.0", "vnfdVersions": ["1.9"]}]}]}]}`, onboarded("a"), false},
		{`{"vnfProductsFromProviders": [{"vnfProvider": "Acme", "vnfProducts": [{"vnfProductName": "Router",
			"versions": [{"vnfSoftwareVersion": "2.0"}]}]}]}`, change(func(e *vnfpkg.Event) { e.SoftwareVersion = "" }), true},
	}
	for _, tt := range tests {
		t.Run(tt.filter, func(t *testing.T) {
			f, err := notify.ParseFilter(json.RawMessage(tt.filter))
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Matches(tt.event); got != tt.want {
				t.Errorf("got %t for %+v", got, tt.event)
			}
		})
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{``, `{}`, `{"vnfdId":"x"}`, `{"vnfProductsFromProviders":[{"vnfProvider":"a","vnfProducts":[{"vnfProductName":"b"}]}]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := notify.ParseFilter(json.RawMessage(text))
		if err != nil {
			var invalid *notify.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("got %v, want an InvalidError", err)
			}
			return
		}
		filter.Matches(onboarded("a"))
	})
}
