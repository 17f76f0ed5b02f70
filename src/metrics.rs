//! Every metric: names, labels, buckets, handles.
