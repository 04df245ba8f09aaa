package job

import (
	"encoding/json"
	"errors"
	"time"
)

// Kind names what a job does, and so which handler runs it.
type Kind string

// State is where a job is.
type State string

const (
	Queued    State = "queued"
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Ended reports whether a job in this state stays as it is.
func (s State) Ended() bool { return s == Succeeded || s == Failed || s == Cancelled }

var (
	// ErrNotFound says that there is no job of that ID.
	ErrNotFound = errors.New("job not found")
	// ErrLost says that a claim has run out and the job may be somebody else's.
	ErrLost = errors.New("claim on job lost")
	// ErrKeyReused says that an idempotency key came again with another payload.
	ErrKeyReused = errors.New("idempotency key was used for another request")
)

// New is a job to be added.
type New struct {
	// ID is a UUID; empty means a new one.
	ID      string
	Project string
	Kind    Kind
	// Subject is the ID of what the job is about, such as a package.
	Subject string
	// By is who asked for it, for those who look at the list.
	By string
	// Key makes a repeated addition return the job that is there: it is unique
	// per project and kind while that job is kept. Empty means no key.
	Key string
	// Payload is what the handler needs. It is stored as JSON and must hold no
	// secrets.
	Payload any
	// NotBefore delays the first attempt; zero means at once.
	NotBefore time.Time
}

// Job is what a store knows of one job. It is plain data.
type Job struct {
	ID        string
	Project   string
	Kind      Kind
	Subject   string
	By        string
	Key       string
	Payload   json.RawMessage
	State     State
	Attempt   int       // how often it was begun
	NotBefore time.Time // of the next attempt, while queued
	// Cancelling is set once a running job was asked to end.
	Cancelling bool
	Progress   Progress
	// Result is what the handler returned as JSON, also beside an error.
	Result json.RawMessage
	// Error says why the last attempt failed.
	Error     string
	CreatedAt time.Time
	StartedAt time.Time // of the last attempt; zero before the first
	EndedAt   time.Time // zero until then
}

// Progress is how far a job is.
type Progress struct {
	// Step names what is being worked at, such as an image.
	Step  string `json:"step,omitempty"`
	Done  int64  `json:"done"`  // bytes
	Total int64  `json:"total"` // bytes; -1 while unknown
}

// Event is something that happened to a job. Events of a job are numbered from
// 1 on without gaps.
type Event struct {
	Number int64
	At     time.Time
	// Type is "state" or "progress".
	Type string
	// Data is, as JSON, the job's state with its error and result, or its
	// progress.
	Data json.RawMessage
}

// Filter selects jobs. Zero fields select everything.
type Filter struct {
	Project string
	Kind    Kind
	Subject string
	States  []State
	// Before selects those that were added before the job of this ID, for
	// paging: jobs are listed newest first.
	Before string
	Limit  int
}

// A Claim is the right to work at a job until it runs out.
type Claim struct {
	Job   Job
	Fence int64
}
