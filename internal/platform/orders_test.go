package platform_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/internal/platform"
)

func TestOrderIsKeptAsSent(t *testing.T) {
	const raw = `{ "id":"ord_1", "number":1001, "status":"confirmed","payment_status":"paid",
 "total":{"amount":9007199254740993,"currency":"KRW"}, "rate":1.10, "new_field":[null] }`
	date := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := &rig{}
	r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Date", date.Format(http.TimeFormat))
		if req.URL.Path == "/v1/admin/orders" {
			_, _ = io.WriteString(w, `{"data":[`+raw+`],"has_more":false,"next_cursor":null,"total_count":1}`)
			return
		}
		_, _ = io.WriteString(w, raw)
	}))
	o, err := r.GetOrder(t.Context(), "ord_1")
	require.NoError(t, err)
	require.Equal(t, raw, string(o.Raw))
	require.Equal(t, "ord_1", o.ID)
	require.True(t, date.Equal(o.AsOf))
	require.Positive(t, o.Took)

	page, err := r.ListOrders(t.Context(), platform.OrderFilter{})
	require.NoError(t, err)
	require.Equal(t, raw, string(page.Data[0].Raw))
	require.True(t, date.Equal(page.Data[0].AsOf))
	require.Equal(t, 1, *page.TotalCount)
}

func TestAnOrderOfAnotherKindLeavesTheOthersOfItsPageReadable(t *testing.T) {
	for sent, id := range map[string]string{
		`{"id":"ord_2","status":7}`: "ord_2", `{"id":"ord_2","payment_status":[],"created_at":{},"number":true}`: "ord_2",
		`{"id":2}`: "", `{"id":null}`: "", `{}`: "", `null`: "", `17`: "", `"ord_2"`: "", `[{"id":"ord_2"}]`: "",
	} {
		t.Run(sent, func(t *testing.T) {
			r := &rig{}
			r.serve(t, answering(200, `{"data":[{"id":"ord_1"},`+sent+`,{"id":"ord_3"}],"has_more":false}`))
			page, err := r.ListOrders(t.Context(), platform.OrderFilter{})
			require.NoError(t, err)
			require.Len(t, page.Data, 3)
			require.Equal(t, []string{"ord_1", id, "ord_3"}, []string{page.Data[0].ID, page.Data[1].ID, page.Data[2].ID})
			require.Equal(t, sent, string(page.Data[1].Raw))
			require.False(t, page.Data[1].AsOf.IsZero())
		})
	}
}

func TestOrdersGoesThroughAllPages(t *testing.T) {
	r := newRig(t)
	_, err := r.platform.Place(standin.Placement{Count: 25})
	require.NoError(t, err)
	_, err = r.platform.Place(standin.Placement{Count: 5, Actions: []string{"pay"}})
	require.NoError(t, err)
	small := platform.ListOptions{Limit: 7}
	read := func(f platform.OrderFilter) map[string]bool {
		ids := map[string]bool{}
		for o, err := range r.Orders(t.Context(), f) {
			require.NoError(t, err)
			require.False(t, ids[o.ID], "twice")
			ids[o.ID] = true
		}
		return ids
	}
	require.Len(t, read(platform.OrderFilter{ListOptions: small}), 30)
	require.Len(t, r.requests(), 5)
	require.Len(t, read(platform.OrderFilter{}), 30)
	require.Len(t, r.requests(), 6, "in pages of a hundred")
	require.Len(t, read(platform.OrderFilter{Status: "confirmed", PaymentStatus: "paid"}), 5)
	require.Empty(t, read(platform.OrderFilter{CreatedAfter: time.Now().Add(time.Hour)}))
	require.Len(t, read(platform.OrderFilter{CreatedBefore: time.Now().Add(time.Hour), Query: "buyer1003@"}), 1)

	page, err := r.ListOrders(t.Context(), platform.OrderFilter{ListOptions: small})
	require.NoError(t, err)
	require.Equal(t, 30, *page.TotalCount)
	rest := read(platform.OrderFilter{ListOptions: platform.ListOptions{Limit: 7, StartingAfter: page.NextCursor}})
	require.Len(t, rest, 23, "from where somebody stopped")
}

func TestAListStopsWhenTheCallerDoes(t *testing.T) {
	r := newRig(t)
	_, err := r.platform.Place(standin.Placement{Count: 10})
	require.NoError(t, err)
	for range r.Orders(t.Context(), platform.OrderFilter{ListOptions: platform.ListOptions{Limit: 2}}) {
		break
	}
	require.Len(t, r.requests(), 1)
}

func TestAListThatIsRefusedHalfWay(t *testing.T) {
	r := newRig(t, func(o *platform.Options) { o.MaxRetries = -1 })
	_, err := r.platform.Place(standin.Placement{Count: 4})
	require.NoError(t, err)
	read := 0
	for _, err = range r.Orders(t.Context(), platform.OrderFilter{ListOptions: platform.ListOptions{Limit: 2}}) {
		if err == nil {
			read++
			r.faults(t, standin.Faults{ServerError: standin.Fault{Next: 1}})
		}
	}
	require.Equal(t, 2, read)
	require.ErrorContains(t, err, "INTERNAL_ERROR")
}
