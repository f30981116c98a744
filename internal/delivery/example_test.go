package delivery_test

import (
	"fmt"

	"inorder/internal/delivery"
)

// The platform signs the body of each delivery.
func ExampleSign() {
	signature := delivery.Sign("whsec_example", []byte(`{"id":"evt_1","type":"order.paid"}`))
	fmt.Println(delivery.SignatureHeader+":", signature)
	// Output:
	// X-Webhook-Signature: c042746c9f313f4b0d776b75a3daae2bbd0b12f5e4597801a3aa08302e05331e
}

// The signature is over the bytes as they came: the same JSON with one more space is another body.
func ExampleVerify() {
	body := []byte(`{"id":"evt_1","type":"order.paid"}`)
	signature := delivery.Sign("whsec_example", body)
	fmt.Println(delivery.Verify("whsec_example", body, signature))
	fmt.Println(delivery.Verify("whsec_example", []byte(`{"id": "evt_1","type":"order.paid"}`), signature))
	fmt.Println(delivery.Verify("example", body, signature), "without whsec_ it is another secret")
	// Output:
	// true
	// false
	// false without whsec_ it is another secret
}

// While a secret is being replaced, the old and the new one are both valid.
func ExampleSecrets_Verify() {
	body := []byte(`{"id":"evt_1","type":"order.paid"}`)
	valid := delivery.Secrets{"whsec_new", "whsec_old"}
	for _, secret := range []string{"whsec_old", "whsec_new", "whsec_other"} {
		fmt.Println(secret, valid.Verify(body, delivery.Sign(secret, body)))
	}
	// Output:
	// whsec_old true
	// whsec_new true
	// whsec_other false
}

// The signature header must come exactly once.
func ExampleSignature() {
	signature := delivery.Sign("whsec_example", []byte("{}"))
	fmt.Println(delivery.Signature([]string{" " + signature}) == signature)
	fmt.Println(delivery.Signature([]string{signature, signature}) == "")
	fmt.Println(delivery.Signature([]string{"sha256=" + signature}) == "")
	// Output:
	// true
	// true
	// true
}
