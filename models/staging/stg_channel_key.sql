{{ approved_rows(ref('channel_key')) }}
