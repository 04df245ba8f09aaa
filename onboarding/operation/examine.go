package operation

import (
	"context"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

// Examination says how the repository is to be examined; see
// [imagerepo.DoctorOptions]. It is plain data, and the payload of a job.
type Examination struct {
	Quick  bool `json:"quick,omitempty" doc:"look at names and sizes only"`
	Repair bool `json:"repair,omitempty" doc:"mend what can be mended without a loss"`
}

// Examine has the whole repository examined, whatever the project. The result of
// the job is an [imagerepo.Diagnosis].
func (s *Service) Examine(ctx context.Context, asked Asked, e Examination) (job.Job, error) {
	return s.config.Queue.Add(ctx, asked.job(KindDoctor, "", "", e))
}

// examine is the handler of an examination.
func (s *Service) examine(ctx context.Context, t *job.Task) (any, error) {
	var e Examination
	if err := t.Decode(&e); err != nil {
		return nil, err
	}
	return s.config.Pipeline.Repository.Doctor(ctx, imagerepo.DoctorOptions{Quick: e.Quick, Repair: e.Repair,
		Progress: func(at imagerepo.DoctorProgress) { t.Report(job.Progress{Done: at.Bytes, Total: -1}) }})
}
