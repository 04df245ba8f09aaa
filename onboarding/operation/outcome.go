package operation

import (
	"encoding/json"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// ReportOf returns the report of a job that takes a package or an image in, or the
// zero Report for a job of another kind, or one that has none.
func ReportOf(j job.Job) onboarding.Report {
	switch j.Kind {
	case vnfpkg.KindOnboard, vnfpkg.KindFetch:
		outcome, _ := vnfpkg.OutcomeOf(j) // that no package came of it is in the report
		return outcome.Report
	case KindImage:
		var report onboarding.Report
		if len(j.Result) > 0 {
			_ = json.Unmarshal(j.Result, &report) // what is no report says nothing
		}
		return report
	}
	return onboarding.Report{}
}

// OutcomeOf says in a word how a job has ended, for those who count: of one that
// takes something in, onboarded, unchanged or rejected; else its state.
func OutcomeOf(j job.Job) string {
	report := ReportOf(j)
	if j.State == job.Succeeded && report.Status != "" || j.State == job.Failed && report.Status == onboarding.Rejected {
		return string(report.Status)
	}
	return string(j.State)
}
