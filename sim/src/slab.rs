//! Things by number, each until it is taken: what an agenda's small values speak of.

/// Things of type `T`.
pub struct Slab<T> {
    things: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            things: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    /// Puts a thing down, and says under which number.
    pub fn put(&mut self, thing: T) -> u32 {
        if let Some(number) = self.free.pop() {
            if let Some(place) = self.place(number) {
                *place = Some(thing);
            }
            return number;
        }
        self.things.push(Some(thing));
        u32::try_from(self.things.len() - 1).unwrap_or(u32::MAX)
    }

    /// Takes a thing.
    pub fn take(&mut self, number: u32) -> Option<T> {
        let thing = self.place(number)?.take();
        if thing.is_some() {
            self.free.push(number);
        }
        thing
    }

    /// Takes a thing, if it is such a one.
    pub fn take_if(&mut self, number: u32, is_it: impl FnOnce(&T) -> bool) -> Option<T> {
        let thing = self.place(number)?.as_ref()?;
        if is_it(thing) {
            self.take(number)
        } else {
            None
        }
    }

    /// The numbers of all things that are such.
    pub fn all(&self, is_it: impl Fn(&T) -> bool) -> Vec<u32> {
        let numbered = (0_u32..).zip(&self.things);
        let found = numbered.filter(|(_, thing)| thing.as_ref().is_some_and(&is_it));
        found.map(|(number, _)| number).collect()
    }

    fn place(&mut self, number: u32) -> Option<&mut Option<T>> {
        self.things.get_mut(usize::try_from(number).ok()?)
    }
}
