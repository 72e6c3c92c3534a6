using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Media.Files;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Media;

public class RequestTableTests
{
    [Fact]
    public void RandomRequests_StartWhenNothingEarlierConflicts_AsInAPlainModel()
    {
        var random = new Random(9);
        for (int round = 0; round < 100; round++)
        {
            const int Capacity = 24;
            var table = new RequestTable(Capacity);
            var inOrder = new List<(int Slot, RequestState Request)>();
            var started = new HashSet<int>();
            for (int i = 0; i < 300; i++)
            {
                if (random.Next(3) > 0)
                {
                    var operation = (MediaOperation)random.Next(5);
                    bool isFlush = operation == MediaOperation.Flush;
                    var request = new RequestState { Operation = operation, Offset = isFlush ? 0 : random.Next(20), Length = isFlush ? 0 : random.Next(1, 6) };
                    int slot = table.Add(request, out bool mayStart);
                    if (inOrder.Count == Capacity)
                    {
                        Assert.Equal(-1, slot);
                        continue;
                    }

                    Assert.Equal(!inOrder.Exists(earlier => Conflict(earlier.Request, request)), mayStart);
                    inOrder.Add((slot, request));
                    if (mayStart)
                    {
                        Assert.True(started.Add(slot));
                    }
                }
                else if (started.Count > 0)
                {
                    // Any request that was started may end.
                    int slot = started.ElementAt(random.Next(started.Count));
                    started.Remove(slot);
                    inOrder.RemoveAt(inOrder.FindIndex(entry => entry.Slot == slot));
                    foreach (int next in table.Remove(slot))
                    {
                        Assert.True(started.Add(next));
                    }
                }

                Assert.Equal(inOrder.Count, table.Count);
                for (int at = 0; at < inOrder.Count; at++)
                {
                    bool isFree = !inOrder.Take(at).Any(earlier => Conflict(earlier.Request, inOrder[at].Request));
                    Assert.Equal(isFree, started.Contains(inOrder[at].Slot));
                }
            }
        }
    }

    private static bool Conflict(RequestState one, RequestState other)
    {
        bool overlap = Enumerable.Range((int)one.Offset, (int)one.Length).Intersect(Enumerable.Range((int)other.Offset, (int)other.Length)).Any();
        return overlap && (one.Operation != MediaOperation.Read || other.Operation != MediaOperation.Read);
    }
}
