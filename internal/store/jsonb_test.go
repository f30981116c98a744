package store

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/dev/testenv"
)

func TestStorable(t *testing.T) {
	for name, tc := range map[string]struct{ raw, want string }{
		"nothing to replace":                 {`{"a":"b\n\u0041 é 😀 \ud83d\ude00"}`, `{"a":"b\n\u0041 é 😀 \ud83d\ude00"}`},
		"NUL":                                {`"a\u0000b"`, `"a\ufffdb"`},
		"NUL in a key":                       {`{"\u0000":1}`, `{"\ufffd":1}`},
		"an escaped backslash before u0000":  {`"\\u0000"`, `"\\u0000"`},
		"a backslash, then NUL":              {`"\\\u0000"`, `"\\\ufffd"`},
		"the first half of a pair":           {`"\ud800"`, `"\ufffd"`},
		"the first half in upper case":       {`"\uD83D"`, `"\ufffd"`},
		"the second half":                    {`"\udc00"`, `"\ufffd"`},
		"both halves in the wrong order":     {`"\ude00\ud83d"`, `"\ufffd\ufffd"`},
		"two first halves":                   {`"\ud83d\ud83d"`, `"\ufffd\ufffd"`},
		"a first half, then a pair":          {`"\ud83d\ud83d\ude00"`, `"\ufffd\ud83d\ude00"`},
		"a first half, then another escape":  {`"\ud83d\n"`, `"\ufffd\n"`},
		"a first half, then NUL":             {`"\ud83d\u0000"`, `"\ufffd\ufffd"`},
		"a first half, then a backslash":     {`"\ud83d\\ude00"`, `"\ufffd\\ude00"`},
		"a first half, then text":            {`"\ud83dude00"`, `"\ufffdude00"`},
		"the last of a code unit":            {`"\uffff"`, `"\uffff"`},
		"invalid UTF-8":                      {"\"a\xffb\"", `"a` + "\uFFFD" + `b"`},
		"a run of it, byte for byte":         {"\"\xff\xfe\xfd\"", "\"\uFFFD\uFFFD\uFFFD\""},
		"a cut-off character":                {"\"\xe2\x82\"", "\"\uFFFD\uFFFD\""},
		"half a pair written as UTF-8":       {"\"\xed\xa0\xbd\"", "\"\uFFFD\uFFFD\uFFFD\""},
		"invalid UTF-8 and an escape of NUL": {"\"\xff\\u0000\"", "\"\uFFFD\\ufffd\""},
	} {
		t.Run(name, func(t *testing.T) {
			raw := json.RawMessage(tc.raw)
			require.Equal(t, tc.want, string(storable(raw)))
			require.Equal(t, tc.raw, string(raw), "it is not changed in place")
		})
	}
}

// PostgreSQL accepts any valid JSON once it is storable, except for numbers beyond its numeric and nesting beyond its
// stack. What it then holds reads like what arrived.
func FuzzStorable(f *testing.F) {
	for _, seed := range []string{`"\u0000\ud83d\ude00\ud800"`, "\"\xff\xfe\"", `{"\u0000":["\\u0000",1.50,-0,1e5]}`, `{"a":1,"a":"\udc00"}`, `1e400000`} {
		f.Add([]byte(seed))
	}
	pool := testenv.Database(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		var back []byte
		err := pool.QueryRow(t.Context(), `SELECT $1::jsonb`, storable(raw)).Scan(&back)
		if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) {
			require.Contains(t, []string{"22003", "54001"}, refused.Code, refused.Message)
			return
		}
		require.NoError(t, err)
		body := func(id []byte) []byte {
			return append(append([]byte(`{"type":"order.paid","data":{"id":`), id...), "}}"...)
		}
		before, err := inorder.ParseEvent(body(raw))
		require.NoError(t, err)
		after, err := inorder.ParseEvent(body(back))
		require.NoError(t, err)
		require.Equal(t, before.OrderID(), after.OrderID())
	})
}
