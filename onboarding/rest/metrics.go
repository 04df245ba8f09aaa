package rest

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// Metrics counts what the server does, for Prometheus. It has a registry of its
// own. Its methods are safe for concurrent use.
type Metrics struct {
	registry  *prometheus.Registry
	underWay  prometheus.Gauge
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	received  *prometheus.CounterVec
	sent      *prometheus.CounterVec
	work      *prometheus.HistogramVec
}

// NewMetrics returns metrics that have counted nothing.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		underWay: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gangway_http_requests_in_flight", Help: "Requests that are being answered."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gangway_http_requests_total", Help: "Requests that were answered; status 499 is a client that did not wait."},
			[]string{"door", "route", "method", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gangway_http_request_duration_seconds", Help: "How long requests took, with their bodies.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60, 600, 3600}},
			[]string{"door", "route", "method"}),
		received: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gangway_http_received_bytes_total", Help: "Bytes of request bodies."}, []string{"door"}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gangway_http_sent_bytes_total", Help: "Bytes of answers."}, []string{"door"}),
		work: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gangway_work_duration_seconds", Help: "How long jobs took, by their kind and outcome.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 10, 60, 300, 1800, 7200}},
			[]string{"work", "outcome"}),
	}
	m.registry.MustRegister(m.underWay, m.requests, m.durations, m.received, m.sent, m.work,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Worked counts a job, such as an onboarding or a launch, with its outcome.
func (m *Metrics) Worked(work, outcome string, took time.Duration) {
	m.work.WithLabelValues(work, outcome).Observe(took.Seconds())
}

// Sample is one value of a metric that is looked up when somebody asks.
type Sample struct {
	Labels []string // values, in the order of the names
	Value  float64
}

// Look adds a metric that is looked up when somebody asks for it. While looking
// fails the metric is missing, which promhttp_metric_handler_errors_total counts.
func (m *Metrics) Look(name, help string, labels []string, look func(context.Context) ([]Sample, error)) {
	m.registry.MustRegister(&looked{prometheus.NewDesc(name, help, labels, nil), look})
}

// lookTime bounds how long one metric is looked for.
const lookTime = 5 * time.Second

type looked struct {
	desc *prometheus.Desc
	look func(context.Context) ([]Sample, error)
}

// Describe implements [prometheus.Collector].
func (l *looked) Describe(out chan<- *prometheus.Desc) { out <- l.desc }

// Collect implements [prometheus.Collector].
func (l *looked) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	samples, err := l.look(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(l.desc, err)
		return
	}
	for _, sample := range samples {
		metric, err := prometheus.NewConstMetric(l.desc, prometheus.GaugeValue, sample.Value, sample.Labels...)
		if err != nil { // a label is no UTF-8
			metric = prometheus.NewInvalidMetric(l.desc, err)
		}
		out <- metric
	}
}

// Door returns the door of /metrics. It tells of all projects, so that it takes a
// reader of all of them: a request from the same machine proves nothing, as it may
// have come through a proxy.
func (m *Metrics) Door() Door {
	return Door{Name: "metrics", Basic: true, Quiet: true, Routes: []Route{{
		Method: http.MethodGet, Pattern: "/metrics", Need: access.Reader, Everywhere: true,
		Handler: promhttp.InstrumentMetricHandler(m.registry, promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
			ErrorHandling: promhttp.ContinueOnError, Registry: m.registry,
		})),
	}}}
}

func (m *Metrics) begin() { m.underWay.Inc() }

func (m *Metrics) end(at *exchange, method string, a *answer, b *body, took time.Duration) {
	m.underWay.Dec()
	// Labels come from our own tables only: each new value costs memory.
	door, route := "none", "none"
	if at.door != nil {
		door, route = at.door.Name, at.pattern
	}
	if !slices.Contains(knownMethods, method) {
		method = "other"
	}
	m.requests.WithLabelValues(door, route, method, strconv.Itoa(a.status)).Inc()
	m.durations.WithLabelValues(door, route, method).Observe(took.Seconds())
	m.received.WithLabelValues(door).Add(float64(b.bytes()))
	m.sent.WithLabelValues(door).Add(float64(a.bytes))
}

// knownMethods is never written to.
var knownMethods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}
