using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media.Memory;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Controller;

/// <summary>A host that sends anything: nothing is thrown, nothing hangs, and after a reset everything works and every slot is free.</summary>
public sealed class HostileHostTests
{
    private static readonly int Rounds = TestMode.Scale(quick: 3_000, full: 30_000, soak: 500_000);

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void RandomEntries_OnEveryQueue_AreAnsweredOrFatal(int seed, bool isSlow)
    {
        var random = new Random(seed);
        using ControllerHarness harness = Make(random, isSlow, out TestQueue io);
        for (int i = 0; i < Rounds; i++)
        {
            TestQueue queue = random.Next(3) == 0 ? harness.Admin : io;
            harness.Submit(queue, RandomEntry(random, harness));
            harness.Round();
            harness.Now += random.Next(10_000);
            while (harness.TryTake(queue, out _))
            {
            }

            if (!harness.Status.IsReady || harness.Status.IsFatal || random.Next(500) == 0)
            {
                Recover(harness, ref io);
            }
        }

        Recover(harness, ref io);
        AssertWorks(harness, io);
    }

    [Fact]
    public void RandomRegisterAndConfigurationAccesses_NeverHarm()
    {
        var random = new Random(3);
        using ControllerHarness harness = Make(random, isSlow: false, out TestQueue io);
        byte[] data = new byte[64];
        for (int i = 0; i < Rounds; i++)
        {
            random.NextBytes(data);
            ulong address = random.Next(4) switch
            {
                0 => ControllerHarness.Bar0 + (ulong)random.Next(0x60),
                1 => ControllerHarness.Bar0 + 0x1000 + (ulong)random.Next(20) * 4,
                2 => ControllerHarness.Bar0 + (ulong)random.Next(0x4000),
                _ => ControllerHarness.Bar2 + (ulong)random.Next(1 << 20),
            };
            int length = 1 << random.Next(7);
            harness.Function.TryWriteMemory(address, data.AsSpan(0, length), harness.Now);
            harness.Function.TryReadMemory(address, data.AsSpan(0, length), harness.Now);
            if (random.Next(20) == 0)
            {
                harness.WriteConfig(random.Next(1024) * 4, (uint)random.NextInt64(), (byte)random.Next(16));
            }

            harness.Function.OnReadData(new DmaReadId((ulong)random.NextInt64()), random.Next(9000), data, harness.Now);
            harness.Function.OnReadCompleted(new DmaReadId((ulong)random.NextInt64()), DmaReadStatus.Success, harness.Now);
            harness.Function.OnAdmitted(new TransactionToken((ulong)random.NextInt64()), 0, harness.Now);
            Assert.Equal(MaterializeResult.Completed, harness.Function.Materialize(new TransactionToken((ulong)random.NextInt64() | 1ul << 63), harness.Host, harness.Now));
            harness.Round();
            harness.Now += random.Next(100_000);
        }

        Recover(harness, ref io);
        AssertWorks(harness, io);
    }

    [Fact]
    public void DoorbellStorm_WithoutEntriesBehindIt_StaysBounded()
    {
        using ControllerHarness harness = Make(new Random(4), isSlow: false, out TestQueue io);
        harness.Host.Bytes(io.SubmissionAddress, 4096).Fill(0xFF);
        for (int i = 0; i < 2000; i++)
        {
            harness.Write32(ControllerHarness.Bar0 + 0x1008, (uint)(i * 37 % 64));
            Assert.True(harness.Host.PendingReads <= 4);
            Assert.True(harness.Host.PendingReady <= 64 + 24);
            if (i % 10 == 0)
            {
                harness.Round();
                while (harness.TryTake(io, out _))
                {
                }
            }
        }

        Recover(harness, ref io);
        AssertWorks(harness, io);
    }

    private static ControllerHarness Make(Random random, bool isSlow, out TestQueue io)
    {
        NvmeOptions options = ControllerHarness.MakeOptions(1 << 20) with
        {
            MaximumOutstandingCommands = 24,
            StagingBuffers = 3,
            Namespaces = [new NamespaceOptions { SizeBytes = 256 * 1024 }, new NamespaceOptions { SizeBytes = 256 * 1024, BlockBytes = 4096 }],
        };
        ControllerHarness harness = ControllerHarness.Ready(out io, options,
            isSlow ? new SlowMedia(1 << 20) : new MemoryMedium(1 << 20), new FlashTiming(FlashProfiles.LowLatency));
        harness.Host.KeepsLogs = false;
        harness.Host.Disorder = random;
        harness.Host.MaximumReads = 8;
        return harness;
    }

    // Half of the entries are noise; the others have valid opcodes, namespaces and addresses more often than not.
    private static SubmissionEntry RandomEntry(Random random, ControllerHarness harness)
    {
        Span<byte> bytes = stackalloc byte[64];
        random.NextBytes(bytes);
        SubmissionEntry entry = MemoryMarshal.Read<SubmissionEntry>(bytes);
        if (random.Next(2) == 0)
        {
            return entry;
        }

        entry.Opcode = random.Next(16) == 0 ? (byte)AdminOpcode.FormatNvm : (byte)random.Next(0x1A);
        entry.Flags = (byte)(random.Next(3) << 6);
        entry.NamespaceId = random.Next(8) == 0 ? 0xFFFF_FFFF : (uint)random.Next(4);
        entry.Prp1 = RandomAddress(random, harness);
        entry.Prp2 = RandomAddress(random, harness);
        entry.CommandDword10 = (uint)random.Next(1 << random.Next(1, 20));
        entry.CommandDword11 = (uint)random.Next(8);
        entry.CommandDword12 = (uint)random.Next(1 << random.Next(1, 10));
        if (entry.DataPointer == DataPointerKind.Sgl)
        {
            entry.Sgl = SglDescriptor.Create((SglType)random.Next(6), entry.Prp1, (uint)random.Next(1 << random.Next(1, 18)) & ~15u);
        }

        return entry;
    }

    private static ulong RandomAddress(Random random, ControllerHarness harness) => random.Next(5) switch
    {
        0 => ControllerHarness.MemoryBufferBase + (ulong)random.Next(1 << 20) * 4,
        1 => (ulong)random.NextInt64(),
        2 => FakeHost.MemoryBase + 0x20_0000 + (ulong)random.Next(harness.Host.Memory.Length - 0x20_0000),
        _ => FakeHost.MemoryBase + 0x20_0000 + (ulong)random.Next(harness.Host.Memory.Length / 4096 - 512) * 4096,
    };

    private static void Recover(ControllerHarness harness, ref TestQueue io)
    {
        harness.Function.Reset(FunctionResetKind.Conventional, harness.Now);
        harness.Host.DropReads();
        harness.Host.DropReady();
        harness.Host.DropWaiting();
        harness.Settle();
        Assert.True(harness.Function.IsIdle, "A slot was not given back.");
        harness.Enumerate();
        harness.Enable();
        io = harness.CreateQueuePair(1, 64, reuse: io);
    }

    private static void AssertWorks(ControllerHarness harness, TestQueue io)
    {
        harness.Host.Disorder = null;
        harness.Settle();
        Assert.Equal(NvmeStatus.Success, harness.Run(io, ControllerHarness.IoEntry(NvmOpcode.Flush, namespaceId: 0xFFFF_FFFF)).Status);
        Assert.True(harness.Function.IsIdle);
    }
}
