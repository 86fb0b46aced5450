//! What the API has answered.

use store::Remembered;

use crate::world::World;

pub(crate) async fn a_request_that_is_sent_again_gets_its_answer_for_a_day(world: &World) {
    let store = &world.store;
    assert_eq!(store.remember("token-1", "key", "POST /a").await.unwrap(), Remembered::Fresh);
    assert_eq!(store.remember("token-1", "key", "POST /a").await.unwrap(), Remembered::InProgress);
    store.note_answer("token-1", "key", Some((201, "{}"))).await.unwrap();
    let answered = Remembered::Answered { status: 201, body: "{}".to_owned() };
    assert_eq!(store.remember("token-1", "key", "POST /a").await.unwrap(), answered);
    assert_eq!(store.remember("token-1", "key", "POST /b").await.unwrap(), Remembered::OtherRequest);
    assert_eq!(store.remember("token-2", "key", "POST /a").await.unwrap(), Remembered::Fresh);
    store.note_answer("token-2", "key", None).await.unwrap();
    assert_eq!(store.remember("token-2", "key", "POST /a").await.unwrap(), Remembered::Fresh);
    world.pass_seconds(25 * 3_600).await;
    assert_eq!(store.remember("token-1", "key", "POST /b").await.unwrap(), Remembered::Fresh);
}
