{{ approved_rows(ref('network_group')) }}
