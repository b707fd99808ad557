{{ approved_rows(ref('network')) }}
