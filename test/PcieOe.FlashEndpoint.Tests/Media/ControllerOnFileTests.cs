using PcieOe.FlashEndpoint.Interop;
using PcieOe.FlashEndpoint.Media.Files;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Media;

public sealed class ControllerOnIoUringFileTests() : ControllerOnFileTests(FileEngineKind.IoUring);

public sealed class ControllerOnThreadFileTests() : ControllerOnFileTests(FileEngineKind.Threads);

/// <summary>The controller with a file for its medium: real waits for the medium, virtual time for all else.</summary>
public abstract class ControllerOnFileTests : IDisposable
{
    private const int Blocks = 2048;

    private readonly string _directory = Directory.CreateTempSubdirectory("pcieoe-controller-").FullName;
    private readonly FileEngineKind _kind;

    protected ControllerOnFileTests(FileEngineKind kind)
    {
        FileMediumHarness.SkipWhereNotAllowed(kind);
        _kind = kind;
    }

    public void Dispose()
    {
        Directory.Delete(_directory, recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Commands_WithResetsInTheirMidst_KeepWhatWasAcknowledged()
    {
        var content = new byte[Blocks];
        var random = new Random(5);
        using (ControllerHarness harness = Open(out TestQueue io))
        {
            ulong data = harness.AllocatePages(16);
            for (int round = 0; round < 8; round++)
            {
                for (int i = 0; i < 50; i++)
                {
                    // Two pages of blocks of 512 bytes, in one byte each.
                    int count = random.Next(1, 17);
                    int first = random.Next(Blocks - count + 1);
                    SubmissionEntry entry = ControllerHarness.IoEntry(NvmOpcode.Write, (ulong)first, count, data, data + 4096);
                    switch (random.Next(4))
                    {
                        case 0:
                            entry.Opcode = (byte)NvmOpcode.WriteZeroes;
                            content.AsSpan(first, count).Clear();
                            break;
                        case 1:
                            harness.Host.Bytes(data, 8192).Fill(0xA5);
                            entry.Opcode = (byte)NvmOpcode.Read;
                            Assert.Equal(NvmeStatus.Success, Run(harness, io, entry).Status);
                            for (int block = 0; block < count; block++)
                            {
                                Assert.False(harness.Host.Bytes(data + (ulong)block * 512, 512).ContainsAnyExcept(content[first + block]));
                            }

                            continue;
                        default:
                            byte value = (byte)random.Next(1, 256);
                            harness.Host.Bytes(data, 8192).Fill(value);
                            content.AsSpan(first, count).Fill(value);
                            entry.CommandDword12 |= random.Next(3) == 0 ? 1u << 30 : 0;
                            break;
                    }

                    Assert.Equal(NvmeStatus.Success, Run(harness, io, entry).Status);
                }

                Assert.Equal(NvmeStatus.Success, Run(harness, io, ControllerHarness.IoEntry(NvmOpcode.Flush)).Status);
                ResetInMidst(harness, ref io, data, content, random);
            }
        }

        using ControllerHarness again = Open(out TestQueue queue);
        ulong page = again.AllocatePages(1);
        for (int block = 0; block < Blocks; block += 8)
        {
            Assert.Equal(NvmeStatus.Success, Run(again, queue, ControllerHarness.IoEntry(NvmOpcode.Read, (ulong)block, 8, page)).Status);
            for (int i = 0; i < 8; i++)
            {
                Assert.False(again.Host.Bytes(page + (ulong)i * 512, 512).ContainsAnyExcept(content[block + i]));
            }
        }
    }

    [Fact]
    public void WriteCache_ConfiguredOff_IsOffAfterAResetToo()
    {
        using ControllerHarness harness = Open(out _, enableWriteCache: false);
        Assert.False(harness.Media.IsWriteCacheEnabled);

        harness.Write32(ControllerHarness.Bar0 + NvmeRegister.Configuration, 0);
        harness.Settle();
        harness.Enable();

        Assert.False(harness.Media.IsWriteCacheEnabled);
        SubmissionEntry get = ControllerHarness.AdminEntry(AdminOpcode.GetFeatures);
        get.CommandDword10 = (uint)FeatureId.VolatileWriteCache;
        Assert.Equal(0u, harness.RunAdmin(get).Result);
    }

    /// <summary>
    /// Disables the controller while writes to one block are under way. Then writes that block anew: whatever became of the void writes, none may
    /// overtake this one.
    /// </summary>
    private static void ResetInMidst(ControllerHarness harness, ref TestQueue io, ulong data, byte[] content, Random random)
    {
        int block = random.Next(Blocks);
        harness.Host.Bytes(data, 512).Fill(0xDD);
        for (int i = 0; i < 20; i++)
        {
            harness.Put(io, ControllerHarness.IoEntry(NvmOpcode.Write, (ulong)block, 1, data));
        }

        harness.Ring(io);
        int rounds = random.Next(4);
        for (int i = 0; i < rounds; i++)
        {
            harness.Round();
        }

        harness.Write32(ControllerHarness.Bar0 + NvmeRegister.Configuration, 0);
        harness.Settle();
        harness.Enable();
        io = harness.CreateQueuePair(1, 64);
        content[block] = (byte)(block | 1);
        harness.Host.Bytes(data, 512).Fill(content[block]);
        Assert.Equal(NvmeStatus.Success, Run(harness, io, ControllerHarness.IoEntry(NvmOpcode.Write, (ulong)block, 1, data)).Status);
    }

    private static unsafe CompletionEntry Run(ControllerHarness harness, TestQueue queue, SubmissionEntry entry)
    {
        ushort id = harness.Submit(queue, entry);
        CompletionEntry completion;
        while (!harness.TryTake(queue, out completion))
        {
            if (!harness.Round())
            {
                var descriptor = new PollDescriptor { Descriptor = harness.Function.WakeUpDescriptor, Events = Libc.PollIn };
                Assert.True(Libc.Poll(&descriptor, 1, timeoutMilliseconds: 20_000) != 0, "Nothing woke the poller for 20 s.");
            }
        }

        Assert.Equal(id, completion.CommandId);
        return completion;
    }

    private ControllerHarness Open(out TestQueue io, bool enableWriteCache = true)
    {
        FileMedium medium = FileMedium.Open(new FileMediumOptions
        {
            Path = Path.Combine(_directory, "medium"),
            SizeBytes = Blocks * 512,
            CreateIfMissing = true,
            Engine = _kind,
            EnableWriteCache = enableWriteCache,
        });
        return ControllerHarness.Ready(out io, media: medium);
    }
}
