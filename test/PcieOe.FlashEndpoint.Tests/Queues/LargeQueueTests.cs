using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Queues;

/// <summary>As many queues, and as deep ones, as drivers of large machines create.</summary>
public sealed class LargeQueueTests
{
    [Theory]
    [InlineData(64, 1024, 1023)]
    [InlineData(255, 64, 63)]
    [InlineData(2, 4096, 4095)]
    public void Queues_AllFullAtOnce_CompleteEachCommandOnce(int pairs, int entries, int commands)
    {
        using var harness = new ControllerHarness(ControllerHarness.MakeOptions() with { IoQueuePairs = pairs, MaximumQueueEntries = entries }, memoryBytes: 16 << 20);
        harness.Host.KeepsLogs = false;
        harness.Enumerate();
        harness.Enable();
        TestQueue[] queues = [.. Enumerable.Range(1, pairs).Select(id => harness.CreateQueuePair(id, entries))];
        SubmissionEntry flush = ControllerHarness.IoEntry(NvmOpcode.Flush);
        for (int round = 0; round < 2; round++)
        {
            // The second round goes over the end of the ring.
            var outstanding = new HashSet<ushort>[pairs];
            foreach (TestQueue queue in queues)
            {
                outstanding[queue.Id - 1] = [.. Enumerable.Range(0, commands).Select(_ => harness.Put(queue, flush))];
                harness.Ring(queue);
            }

            harness.Settle();
            foreach (TestQueue queue in queues)
            {
                for (int i = 0; i < commands; i++)
                {
                    Assert.True(harness.TryTake(queue, out CompletionEntry completion, ring: i == commands - 1));
                    Assert.Equal((NvmeStatus.Success, queue.Id), (completion.Status, completion.SubmissionQueueId));
                    Assert.True(outstanding[queue.Id - 1].Remove(completion.CommandId), "A command ended twice, or in another queue.");
                }

                Assert.False(harness.TryTake(queue, out _));
            }
        }

        Assert.True(harness.Function.IsIdle);
    }
}
