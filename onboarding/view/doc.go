// Package view has the forms in which images, packages, VIMs, tokens and the audit
// log are shown, the same whether a command prints them, the server answers with
// them or a client reads them from it. The forms of what the pipeline did are
// [onboarding.Report] and [onboarding.LaunchReport], that of a job is [job.Job];
// docs/output.md shows all of them.
//
// Everything here is plain data. Lists are never null in JSON.
package view
