package platform_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/platform"
)

func TestAListThatDoesNotGoOnIsALastingError(t *testing.T) {
	for name, tc := range map[string]struct{ rest, says string }{
		"no cursor":                {`"has_more":true,"next_cursor":null`, "without a next_cursor"},
		"a cursor of another kind": {`"has_more":true,"next_cursor":7`, "without a next_cursor"},
		"has_more of another kind": {`"has_more":"yes"`, "without a next_cursor"},
		"an endless cursor":        {`"has_more":true,"next_cursor":"` + strings.Repeat("x", 1025) + `"`, "more than 1024 bytes"},
		"the same cursor again":    {`"has_more":true,"next_cursor":"wh_1"`, "read before"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &rig{}
			r.serve(t, answering(200, `{"data":[{"id":"wh_1"}],`+tc.rest+`}`))
			seen, err := 0, error(nil)
			for _, e := range r.Webhooks(t.Context()) {
				if err = e; e == nil {
					seen++
				}
			}
			require.Positive(t, seen, "what the page holds is told")
			require.ErrorContains(t, err, "incomplete")
			require.ErrorContains(t, err, tc.says)
			require.True(t, platform.IsLasting(err))
			require.LessOrEqual(t, len(r.requests()), 2)
		})
	}
}

func TestAListThatGoesInACircleEnds(t *testing.T) {
	for _, tail := range []int{0, 1, 7} {
		for _, circle := range []int{1, 2, 3, 8, 100} {
			r := &rig{}
			r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				at, _ := strconv.Atoi(req.URL.Query().Get("starting_after"))
				if at++; at == tail+circle+1 {
					at = tail + 1
				}
				answering(200, fmt.Sprintf(`{"data":[],"has_more":true,"next_cursor":"%d"}`, at))(w, req)
			}))
			var err error
			for _, err = range r.Orders(t.Context(), platform.OrderFilter{}) {
			}
			require.ErrorContains(t, err, "incomplete")
			require.LessOrEqual(t, len(r.requests()), 3*(tail+circle)+3, "tail %d, circle %d", tail, circle)
		}
	}
}

func TestAListThatNeverEndsEnds(t *testing.T) {
	at, err := &platform.Trail{}, error(nil)
	pages := 0
	for ; err == nil; pages++ {
		at, err = platform.Page[platform.Order]{HasMore: true, NextCursor: strconv.Itoa(pages)}.Next(*at)
	}
	require.Equal(t, 100_000, pages)
	require.True(t, platform.IsLasting(err))
}

func TestATotalCountOfAnotherKindIsNotTold(t *testing.T) {
	r := &rig{}
	r.serve(t, answering(200, `{"data":[],"total_count":"many"}`))
	page, err := r.ListOrders(t.Context(), platform.OrderFilter{})
	require.NoError(t, err)
	require.Nil(t, page.TotalCount)
}

func TestAPageWithoutAListIsALastingError(t *testing.T) {
	for _, body := range []string{`{}`, `{"data":null}`, `{"data":{}}`, `[]`, `null`, `7`} {
		r := &rig{}
		r.serve(t, answering(200, body))
		_, err := r.ListOrders(t.Context(), platform.OrderFilter{})
		require.ErrorContains(t, err, "not what the Admin API documents", body)
		require.True(t, platform.IsLasting(err), body)
	}
}

func TestWhatLasts(t *testing.T) {
	for status, lasting := range map[int]bool{
		302: true, 400: true, 404: true, 409: true, 410: true, 414: true, 422: true,
		401: false, 403: false, 408: false, 425: false, 429: false, 500: false, 502: false, 503: false,
	} {
		r := &rig{}
		r.serve(t, answering(status, ""))
		_, err := r.GetOrder(t.Context(), "ord_1")
		require.Equal(t, lasting, platform.IsLasting(err), "%d: %v", status, err)
	}
	r := &rig{}
	r.serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	_, err := r.GetOrder(t.Context(), "ord_1")
	require.False(t, platform.IsLasting(err), "a network error passes")
}

func TestWhatIsKeptOfAnErrorIsBounded(t *testing.T) {
	long := strings.Repeat("€", 100_000)
	for _, body := range []string{
		`{"error":{"type":"` + long[:3000] + `","code":"` + long[:3000] + `","message":"` + long[:9000] + `","details":{"x":"` + long[:9000] + `"}}}`,
		`{"error":{"message":"` + long + `"}}`,
		long,
	} {
		r := &rig{}
		r.serve(t, answering(400, body))
		_, err := r.GetOrder(t.Context(), "ord_1")
		var e *platform.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, 400, e.Status)
		require.Less(t, len(err.Error()), 3*800)
		require.Less(t, len(e.Details), 2001)
	}
}

func TestAWebhookOfAnotherKindLeavesTheOthersReadable(t *testing.T) {
	for sent, says := range map[string]string{
		`{"id":"wh_2","events":"*"}`:            "events does not have the documented type",
		`{"id":"wh_2","is_active":"yes"}`:       "is_active does not have the documented type",
		`{"id":2,"url":"https://example.com/"}`: "id does not have the documented type",
		`null`:                                  "it is not a JSON object",
	} {
		r := &rig{}
		r.serve(t, answering(200, `{"data":[{"id":"wh_1","url":"u","events":["*"],"is_active":true},`+sent+`,{"id":"wh_3"}],"has_more":false}`))
		var all []platform.Webhook
		for w, err := range r.Webhooks(t.Context()) {
			require.NoError(t, err)
			all = append(all, w)
		}
		require.Len(t, all, 3)
		require.Equal(t, platform.Webhook{ID: "wh_1", URL: "u", Events: []string{"*"}, IsActive: true}, all[0])
		require.Equal(t, says, all[1].Unreadable)
		require.Empty(t, all[2].Unreadable)

		r = &rig{}
		r.serve(t, answering(200, sent))
		_, err := r.GetWebhook(t.Context(), "wh_2")
		require.ErrorContains(t, err, says)
		require.True(t, platform.IsLasting(err))
	}
}
