using System.Buffers.Binary;
using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Media.Files;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Media;

public sealed class IoUringFileMediumPowerCutTests() : FileMediumPowerCutTests(FileEngineKind.IoUring);

public sealed class ThreadFileMediumPowerCutTests() : FileMediumPowerCutTests(FileEngineKind.Threads);

/// <summary>The power goes at random moments: what was flushed or forced is there, whatever the disk did with the rest.</summary>
public abstract unsafe class FileMediumPowerCutTests(FileEngineKind kind)
{
    private const int Capacity = 128 << 10;
    private const int Sectors = Capacity / PowerCutEngine.SectorBytes;
    private const int Slots = 16;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PowerCut_AtRandomMoments_KeepsWhatWasPromised(bool enableWriteCache)
    {
        int rounds = Environment.GetEnvironmentVariable("PCIEOE_TEST_MODE") == "soak" ? 300 : 60;
        for (int seed = 0; seed < rounds; seed++)
        {
            Assert.Equal([], LostSectors(seed, enableWriteCache, ignoresSynchronisation: false));
        }
    }

    [Fact]
    public void PowerCut_OfADiskThatLies_IsFoundOut()
    {
        int lost = 0;
        for (int seed = 0; seed < 10; seed++)
        {
            lost += LostSectors(seed, enableWriteCache: true, ignoresSynchronisation: true).Count;
        }

        Assert.NotEqual(0, lost);
    }

    /// <summary>
    /// Runs random requests until the power goes, and looks at the disk through another medium. Each sector written says its number and a
    /// version; a version of 0 stands for zeroes.
    /// </summary>
    private List<string> LostSectors(int seed, bool enableWriteCache, bool ignoresSynchronisation)
    {
        using var harness = new FileMediumHarness(kind, Capacity);
        harness.Options = harness.Options with { EnableWriteCache = enableWriteCache, MaximumOutstanding = Slots };
        PowerCutEngine engine = harness.Open(inner => new PowerCutEngine(inner, Capacity) { IgnoresSynchronisation = ignoresSynchronisation });
        var random = new Random(seed);

        // In order of their start, which is the order in which overlapping requests take effect.
        var acknowledged = new int[Sectors];
        var durable = new int[Sectors];
        var newest = new int[Sectors];
        var zeroed = new List<int>[Sectors];
        var requests = new (MediaOperation Operation, int First, int Count, int Version, bool IsForced, int[] AtStart)[Slots];
        var free = new Stack<int>(Enumerable.Range(0, Slots));
        byte[] buffers = GC.AllocateArray<byte>(Slots * 16 * PowerCutEngine.SectorBytes, pinned: true);
        for (int i = 0; i < Sectors; i++)
        {
            zeroed[i] = [0];
        }

        int version = 0;
        int end = random.Next(1, 400);
        for (int step = 0; step < end; step++)
        {
            if (random.Next(3) > 0 && free.TryPop(out int slot))
            {
                Start(slot);
            }
            else
            {
                harness.Medium.Submit();
                if (free.Count < Slots)
                {
                    foreach (MediaCompletion completion in harness.Poll())
                    {
                        End((int)completion.Context, completion.Status);
                    }
                }
            }
        }

        byte[] disk = engine.Cut(random);
        while (free.Count < Slots)
        {
            foreach (MediaCompletion completion in harness.Poll())
            {
                free.Push((int)completion.Context);
            }
        }

        return Compare(disk);

        void Start(int slot)
        {
            MediaOperation operation = random.Next(10) switch
            {
                < 6 => MediaOperation.Write,
                6 => MediaOperation.Deallocate,
                7 => MediaOperation.WriteZeroes,
                _ => MediaOperation.Flush,
            };
            int count = random.Next(1, 17);
            int first = random.Next(Sectors - count + 1);
            bool isForced = operation != MediaOperation.Flush && random.Next(5) == 0;
            version++;
            Span<byte> data = buffers.AsSpan(slot * 16 * PowerCutEngine.SectorBytes, count * PowerCutEngine.SectorBytes);
            if (operation == MediaOperation.Flush)
            {
                requests[slot] = (operation, 0, 0, 0, false, (int[])acknowledged.Clone());
            }
            else
            {
                requests[slot] = (operation, first, count, version, isForced || !enableWriteCache, []);
                for (int i = 0; i < count; i++)
                {
                    newest[first + i] = version;
                    if (operation == MediaOperation.Write)
                    {
                        Fill(data.Slice(i * PowerCutEngine.SectorBytes, PowerCutEngine.SectorBytes), first + i, version);
                    }
                    else
                    {
                        zeroed[first + i].Add(version);
                    }
                }
            }

            var request = new MediaRequest
            {
                Operation = operation,
                ForceUnitAccess = isForced,
                Offset = first * PowerCutEngine.SectorBytes,
                Length = count * PowerCutEngine.SectorBytes,
                Data = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(buffers, slot * 16 * PowerCutEngine.SectorBytes),
                Context = (ulong)slot,
            };
            Assert.Equal(MediaStart.Pending, harness.Medium.Start(request, out _));
        }

        void End(int slot, MediaStatus status)
        {
            Assert.Equal(MediaStatus.Success, status);
            (MediaOperation operation, int first, int count, int ended, bool isForced, int[] atStart) = requests[slot];
            if (operation == MediaOperation.Flush)
            {
                for (int i = 0; i < Sectors; i++)
                {
                    durable[i] = Math.Max(durable[i], atStart[i]);
                }
            }

            for (int i = first; i < first + count; i++)
            {
                acknowledged[i] = Math.Max(acknowledged[i], ended);
                durable[i] = isForced ? Math.Max(durable[i], ended) : durable[i];
            }

            free.Push(slot);
        }

        List<string> Compare(byte[] content)
        {
            string path = Path.Combine(Path.GetDirectoryName(harness.Options.Path)!, "after");
            File.WriteAllBytes(path, content);
            harness.Close();
            harness.Options = harness.Options with { Path = path };
            harness.Open();
            var read = new byte[Capacity];
            Assert.Equal(MediaStatus.Success, harness.Read(0, read));
            var lost = new List<string>();
            for (int i = 0; i < Sectors; i++)
            {
                ReadOnlySpan<byte> sector = read.AsSpan(i * PowerCutEngine.SectorBytes, PowerCutEngine.SectorBytes);
                int found = BinaryPrimitives.ReadInt32LittleEndian(sector);
                bool isWhole = found == 0
                    ? !sector.ContainsAnyExcept((byte)0) && zeroed[i].Exists(zero => zero >= durable[i])
                    : found >= durable[i] && found <= newest[i] && IsFilled(sector, i, found);
                if (!isWhole)
                {
                    lost.Add($"seed {seed}, sector {i}: found version {found}, promised {durable[i]}");
                }
            }

            return lost;
        }
    }

    private static void Fill(Span<byte> sector, int number, int version)
    {
        for (int i = 0; i < sector.Length; i += 8)
        {
            BinaryPrimitives.WriteInt32LittleEndian(sector[i..], version);
            BinaryPrimitives.WriteInt32LittleEndian(sector[(i + 4)..], number + i);
        }
    }

    private static bool IsFilled(ReadOnlySpan<byte> sector, int number, int version)
    {
        var expected = new byte[sector.Length];
        Fill(expected, number, version);
        return sector.SequenceEqual(expected);
    }
}
