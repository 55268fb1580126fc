//! Rows of fixed size to bytes and back, little-endian.

/// Bytes that are read from the front. What is behind the end reads as zero: the bytes are our own.
#[derive(Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `length` bytes, or fewer at the end.
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at_checked(length).unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }
}

/// A value of fixed size.
pub trait Row: Sized {
    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads it.
    fn read(reader: &mut Reader<'_>) -> Self;
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Row for $integer {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn read(reader: &mut Reader<'_>) -> Self {
                reader.take(size_of::<Self>()).try_into().map(Self::from_le_bytes).unwrap_or_default()
            }
        }
    )*};
}

integers!(u8, u16, u32, u64);

impl<T: Row> Row for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u32).write(out);
        self.iter().for_each(|row| row.write(out));
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        (0..u32::read(reader)).map(|_| T::read(reader)).collect()
    }
}

/// Declares rows: structs whose fields are written in order.
macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $crate::tables::row::Row for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)*
            }

            fn read(reader: &mut $crate::tables::row::Reader<'_>) -> Self {
                Self { $($field: Row::read(reader),)* }
            }
        }
    )*};
}

pub(crate) use rows;
