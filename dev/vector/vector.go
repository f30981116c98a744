// Package vector has one delivery of the platform with its signature, which was verified with the platform's official SDK.
package vector

// The secret, the body that it signs, and the resulting signature.
const (
	Secret    = "whsec_test_4f1d2c3b4a59687786950a1b2c3d4e5f"
	Body      = `{"id":"evt_abc123","type":"order.confirmed","created_at":"2025-01-15T10:30:00Z","data":{"id":"order_001","number":1001,"status":"confirmed","total":{"amount":78000,"currency":"KRW"}},"store_id":"store_001"}`
	Signature = "e61dcb3ce70e712c9d1af6014d95ba796d547207e06cbf5809cbfcc2911d9ce0"
)
