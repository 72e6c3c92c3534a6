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
public sealed class LabelledHops(Hop first = Hop.Submit, Hop last = Hop.Complete, int capacity = LabelledHops.DefaultCapacity) : IDisposable
{
    public const int DefaultCapacity = 64;

    private readonly (HopLabels Labels, HopHistograms Histograms)[] _members = new (HopLabels, HopHistograms)[capacity];
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public (HopLabels Labels, HopHistograms Histograms) this[int index] => _members[index];

    /// <summary>Commands recorded.</summary>
    public long Sampled
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < Count; i++)
            {
                sum += _members[i].Histograms.Count;
            }

            return sum;
        }
    }

    /// <summary>The histograms for commands of these labels; made for the first of them.</summary>
    public HopHistograms For(in HopLabels labels)
    {
        for (int i = 0; i < _count; i++)
        {
            ref readonly HopLabels known = ref _members[i].Labels;
            if (known.Opcode == labels.Opcode && known.SizeBytes == labels.SizeBytes && known.IsRetransmitted == labels.IsRetransmitted
                && known.Class == labels.Class && known.Tenant == labels.Tenant)
            {
                return _members[i].Histograms;
            }
        }

        if (_count == capacity)
        {
            return _members[capacity - 1].Histograms;
        }

        HopLabels kept = _count == capacity - 1 ? new HopLabels(string.Empty, 0, 0, 0, false) : labels;
        _members[_count] = (kept, new HopHistograms(first, last));
        Volatile.Write(ref _count, _count + 1);
        return _members[_count - 1].Histograms;
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
            all.Add(_members[i].Histograms);
        }

        return all;
    }

    public void Dispose()
    {
        for (int i = 0; i < _count; i++)
        {
            _members[i].Histograms.Dispose();
        }
    }
}
