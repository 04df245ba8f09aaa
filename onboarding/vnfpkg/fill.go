package vnfpkg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

// Fill makes a OneShot resource and has fill give it its archive, by
// [Service.Receive] or [Service.UploadFrom]. After an error nothing is left of the
// resource. The errors are those of Create and of fill.
func (s *Service) Fill(ctx context.Context, n NewResource, fill func(id string) (Receipt, error)) (Receipt, error) {
	n.OneShot = true
	r, err := s.Create(ctx, n)
	if err != nil {
		return Receipt{}, err
	}
	receipt, err := fill(r.ID)
	if err != nil {
		_, _, undone := s.Delete(context.WithoutCancel(ctx), n.Project, r.ID, DeleteOptions{})
		return Receipt{}, errors.Join(err, ignore(undone, imagerepo.ErrNotFound))
	}
	return receipt, nil
}

// OutcomeOf returns what came of a job that has ended, of kind [KindOnboard] or
// [KindFetch]. It fails with a *NoPackageError, whose findings are in the outcome,
// too.
func OutcomeOf(j job.Job) (Outcome, error) {
	var outcome Outcome
	if j.Result != nil {
		if err := json.Unmarshal(j.Result, &outcome); err != nil {
			return Outcome{}, fmt.Errorf("result of job %s: %w", j.ID, err)
		}
	}
	if j.State == job.Succeeded && outcome.Package != "" {
		return outcome, nil
	}
	failure := Failure{Detail: j.Error, Findings: outcome.Report.Findings}
	if j.State == job.Cancelled {
		failure.Detail = "the onboarding was cancelled"
	}
	return outcome, &NoPackageError{Failure: failure}
}

// NoPackageError says that no package came of an archive.
type NoPackageError struct{ Failure Failure }

func (e *NoPackageError) Error() string { return e.Failure.Detail }
