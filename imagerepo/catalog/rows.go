package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
)

// Row is a row of a query.
type Row interface{ Scan(columns ...any) error }

// Rows yields what scan makes of the rows that a query gives, also of tables that
// live beside the catalogue's. An error is the last thing that it yields.
func Rows[T any](query func() (*sql.Rows, error), scan func(Row) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		found, err := query()
		if err != nil {
			yield(none, fmt.Errorf("catalogue: %w", err))
			return
		}
		defer found.Close()
		for found.Next() {
			one, err := scan(found)
			if err != nil {
				yield(none, fmt.Errorf("catalogue: %w", err))
				return
			}
			if !yield(one, nil) {
				return
			}
		}
		if err := found.Err(); err != nil {
			yield(none, fmt.Errorf("catalogue: %w", err))
		}
	}
}

// Collect returns what a sequence yields before its end, or its error.
func Collect[T any](found iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for one, err := range found {
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// querier is what a database and a transaction have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// rows yields what scan makes of the rows of a query.
func rows[T any](ctx context.Context, q querier, scan func(Row) (T, error), query string, args ...any) iter.Seq2[T, error] {
	return Rows(func() (*sql.Rows, error) { return q.QueryContext(ctx, query, args...) }, scan)
}

// texts returns the rows of a query for one column of text.
func texts(ctx context.Context, q querier, query string, args ...any) ([]string, error) {
	return Collect(rows(ctx, q, func(row Row) (text string, err error) {
		err = row.Scan(&text)
		return text, err
	}, query, args...))
}
