{{ approved_rows(ref('country')) }}
