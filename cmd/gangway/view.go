package main

import (
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/vim/glance"
)

func viewCheck(c glance.Check) view.Check {
	shown := view.Check{
		VIM: c.VIM, AuthURL: c.AuthURL, Region: c.Region, User: c.User, Project: view.Project(c.Project),
		Roles: append([]string{}, c.Roles...), Endpoint: c.Endpoint, APIVersion: c.APIVersion, LatencyMS: c.Latency.Milliseconds(),
		HashAlgorithm: c.HashAlgorithm, ImportMethods: append([]string{}, c.ImportTypes...), Quotas: []view.Quota{},
		MayPublish: view.Answer{Verdict: string(c.MayPublish.Verdict), How: c.MayPublish.How},
		Problems:   append([]string{}, c.Problems...),
	}
	if c.Err != nil {
		shown.Error = c.Err.Error()
	}
	for _, q := range c.Quotas {
		shown.Quotas = append(shown.Quotas, view.Quota(q))
	}
	return shown
}
