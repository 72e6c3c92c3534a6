using System.Numerics;
using PcieOe.Protocol.Hops;

namespace PcieOe.Transport.Hops;

/// <summary>What commands are told apart by.</summary>
/// <param name="Tenant">Whom they count for.</param>
/// <param name="Class">Of the tenant's classes, the first is 1; 0: there is no policy.</param>
/// <param name="Opcode">The function's own operation code.</param>
/// <param name="SizeBytes">User data, rounded up to a power of two.</param>
/// <param name="IsRetransmitted">While it was under way a frame of its session was lost, or sent again.</param>
public readonly record struct HopLabels(string Tenant, byte Class, byte Opcode, int SizeBytes, bool IsRetransmitted)
{
    public static int RoundSize(long dataBytes) => dataBytes <= 0 ? 0 : (int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(dataBytes, 1 << 30));
}

/// <summary>
/// Hop histograms by label. One thread writes and adds members, up to a limit; beyond it commands count in the last one, whose labels are
/// empty. Other threads may read at any time: a member is complete before <see cref="Count"/> tells of it.
/// </summary>
/// <param name="first">The hops that are known: from this one</param>
/// <param name="last">to this one.</param>
/// <param name="areMade">All members are made at once, so that none is while commands run.</param>
public sealed class LabelledHops(Hop first = Hop.Submit, Hop last = Hop.Complete, int capacity = LabelledHops.DefaultCapacity, bool areMade = false) : IDisposable
{
    public const int DefaultCapacity = 64;

    private readonly HopLabels[] _labels = new HopLabels[capacity];
    private readonly HopHistograms?[] _histograms = [.. Enumerable.Range(0, capacity).Select(_ => areMade ? new HopHistograms(first, last) : null)];
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public (HopLabels Labels, HopHistograms Histograms) this[int index] => (_labels[index], _histograms[index]!);

    /// <summary>Commands recorded.</summary>
    public long Sampled
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < Count; i++)
            {
                sum += _histograms[i]!.Count;
            }

            return sum;
        }
    }

    /// <summary>The histograms for commands of these labels; made for the first of them.</summary>
    public HopHistograms For(in HopLabels labels)
    {
        for (int i = 0; i < _count; i++)
        {
            ref readonly HopLabels known = ref _labels[i];
            if (known.Opcode == labels.Opcode && known.SizeBytes == labels.SizeBytes && known.IsRetransmitted == labels.IsRetransmitted
                && known.Class == labels.Class && known.Tenant == labels.Tenant)
            {
                return _histograms[i]!;
            }
        }

        if (_count == capacity)
        {
            return _histograms[capacity - 1]!;
        }

        HopHistograms added = _histograms[_count] ??= new HopHistograms(first, last);
        _labels[_count] = _count == capacity - 1 ? new HopLabels(string.Empty, 0, 0, 0, false) : labels;
        Volatile.Write(ref _count, _count + 1);
        return added;
    }

    /// <summary>Adds what another one of the same hops has recorded.</summary>
    public void Add(LabelledHops other)
    {
        for (int i = 0; i < other.Count; i++)
        {
            For(other[i].Labels).Add(other[i].Histograms);
        }
    }

    /// <summary>All of them in one.</summary>
    public HopHistograms Merge()
    {
        HopHistograms all = new(first, last);
        for (int i = 0; i < Count; i++)
        {
            all.Add(_histograms[i]!);
        }

        return all;
    }

    public void Dispose()
    {
        foreach (HopHistograms? histograms in _histograms)
        {
            histograms?.Dispose();
        }
    }
}
