using PcieOe.FlashEndpoint.Media.Files;

namespace PcieOe.FlashEndpoint.Tests.Media;

/// <summary>
/// A file engine that knows what a disk would have after a power cut: by sector, what was last synchronised, or anything written to it since.
/// The engine beneath does the work all the same.
/// </summary>
internal sealed unsafe class PowerCutEngine(IFileEngine inner, int capacityBytes) : IFileEngine
{
    public const int SectorBytes = 512;

    private readonly byte[] _durable = new byte[capacityBytes];

    /// <summary>By sector: what was written since it was last made durable, oldest first.</summary>
    private readonly List<byte[]>[] _unsynchronised = CreateLists(capacityBytes / SectorBytes);

    /// <summary>Writes under way, by slot: they count as written only when they have ended, but may reach the disk before.</summary>
    private readonly Dictionary<int, (long Offset, byte[] Data)> _writes = [];

    /// <summary>Synchronisations under way, by slot: for each sector, how much of its list they cover.</summary>
    private readonly Dictionary<int, Dictionary<int, int>> _synchronisations = [];

    /// <summary>A disk that lies: says that it has synchronised, and has not.</summary>
    public bool IgnoresSynchronisation { get; set; }

    public int WakeUpDescriptor => inner.WakeUpDescriptor;

    public bool HasWork => inner.HasWork;

    public void Add(in FileStep step)
    {
        switch (step.Kind)
        {
            case FileStepKind.Write:
                _writes[step.Slot] = (step.Offset, new ReadOnlySpan<byte>(step.Data, (int)step.Length).ToArray());
                break;
            case FileStepKind.PunchHole or FileStepKind.ZeroRange:
                _writes[step.Slot] = (step.Offset, new byte[step.Length]);
                break;
            case FileStepKind.Synchronize:
                var covered = new Dictionary<int, int>();
                (int first, int end) = step.Length == 0 ? (0, _unsynchronised.Length) : Sectors(step.Offset, step.Length);
                for (int sector = first; sector < end; sector++)
                {
                    if (_unsynchronised[sector].Count > 0)
                    {
                        covered[sector] = _unsynchronised[sector].Count;
                    }
                }

                _synchronisations[step.Slot] = covered;
                break;
        }

        inner.Add(step);
    }

    public void Submit() => inner.Submit();

    public int Take(Span<FileStepResult> results)
    {
        int count = inner.Take(results);
        foreach (FileStepResult result in results[..count])
        {
            if (_writes.Remove(result.Slot, out (long Offset, byte[] Data) write) && result.Result >= 0)
            {
                int length = result.Result > 0 ? result.Result : write.Data.Length;
                AddSectors(write.Offset, write.Data.AsSpan(0, length));
            }

            if (_synchronisations.Remove(result.Slot, out Dictionary<int, int>? covered) && result.Result == 0 && !IgnoresSynchronisation)
            {
                foreach ((int sector, int versions) in covered)
                {
                    MakeDurable(sector, versions);
                }
            }
        }

        return count;
    }

    /// <summary>What the disk has when the power goes now.</summary>
    public byte[] Cut(Random random)
    {
        byte[] disk = (byte[])_durable.Clone();
        for (int sector = 0; sector < _unsynchronised.Length; sector++)
        {
            int choice = random.Next(_unsynchronised[sector].Count + 1);
            if (choice > 0)
            {
                _unsynchronised[sector][choice - 1].CopyTo(disk, sector * SectorBytes);
            }
        }

        foreach ((long offset, byte[] data) in _writes.Values)
        {
            for (int at = 0; at < data.Length; at += SectorBytes)
            {
                if (random.Next(2) == 0)
                {
                    data.AsSpan(at, SectorBytes).CopyTo(disk.AsSpan((int)offset + at));
                }
            }
        }

        return disk;
    }

    public void Dispose() => inner.Dispose();

    private void AddSectors(long offset, ReadOnlySpan<byte> data)
    {
        (int first, int end) = Sectors(offset, data.Length);
        for (int sector = first; sector < end; sector++)
        {
            _unsynchronised[sector].Add(data.Slice((sector - first) * SectorBytes, SectorBytes).ToArray());
        }
    }

    private void MakeDurable(int sector, int versions)
    {
        // Another synchronisation may have made some of them durable before.
        List<byte[]> list = _unsynchronised[sector];
        versions = Math.Min(versions, list.Count);
        if (versions > 0)
        {
            list[versions - 1].CopyTo(_durable, sector * SectorBytes);
            list.RemoveRange(0, versions);
        }
    }

    private static (int First, int End) Sectors(long offset, long length) =>
        ((int)(offset / SectorBytes), (int)((offset + length) / SectorBytes));

    private static List<byte[]>[] CreateLists(int count)
    {
        var lists = new List<byte[]>[count];
        for (int i = 0; i < count; i++)
        {
            lists[i] = [];
        }

        return lists;
    }
}
